// SPDX-License-Identifier: Apache-2.0
// Who is kept out, by the daemon's events, and its notice to each. What is kept is never believed without asking
// again, as long as there is a daemon to ask.
import { follow, get } from './daemon.js';

const MOST_NOTICES = 10_000;
const MOST_WAITING = 20_000; // questions to the daemon
const LONGEST_TIMER_MS = 24 * 3600 * 1000;
const FIRST_PAUSE_MS = 100;
const LONGEST_PAUSE_MS = 5000;

/// What an event is good for: {blocked: {meeting, participant, country}}, {changed: meeting or null for any}, or
/// null.
export function meaningOf(event) {
  const { event: kind, meeting, participant, country } = event ?? {};
  if (typeof kind !== 'string') return null;
  if (kind === 'participant_blocked') {
    if (typeof meeting !== 'string' || typeof participant !== 'string') return null;
    return { blocked: { meeting, participant, country: typeof country === 'string' ? country : null } };
  }
  return /^(rule|order)_/.test(kind) ? { changed: typeof meeting === 'string' ? meeting : null } : null;
}

export const keyOf = ({ meeting, participant }) => `${meeting} ${participant}`; // no identifier has a space

export class Notices {
  #kept = new Map(); // key → {whom, notice, timer}; the oldest first
  #waiting = new Map(); // key → whom to ask about
  #asking = false;
  #closed = false;
  #stream;

  /// `tell(whom, notice)` when a notice is new or another one; null: it is lifted.
  constructor({ socket }, tell) {
    Object.assign(this, { socket, tell });
  }

  start() {
    this.#run();
  }

  close() {
    this.#closed = true;
    this.#stream?.close();
    for (const { timer } of this.#kept.values()) clearTimeout(timer);
    this.#kept.clear();
  }

  /// The notice that holds now, or null.
  async ask(whom) {
    const kept = this.#kept.get(keyOf(whom));
    if (kept === undefined) return null;
    await this.#renew(kept.whom);
    return this.kept(whom);
  }

  kept(whom) {
    return this.#kept.get(keyOf(whom))?.notice ?? null;
  }

  async #run() {
    for (let pause = FIRST_PAUSE_MS; !this.#closed; pause = Math.min(pause * 2, LONGEST_PAUSE_MS)) {
      try {
        this.#stream = await follow(this.socket, (event) => this.#onEvent(event));
        this.#renewAll(null);
        pause = FIRST_PAUSE_MS;
        await this.#stream.ended;
      } catch {
        // The daemon is away; the filter, and what is kept, stay in force.
      }
      if (!this.#closed) await new Promise((resolve) => setTimeout(resolve, pause).unref());
    }
  }

  #onEvent(event) {
    const meaning = meaningOf(event);
    if (meaning?.blocked) this.#enqueue(meaning.blocked);
    else if (meaning !== null) this.#renewAll(meaning.changed);
  }

  #renewAll(meeting) {
    for (const { whom } of this.#kept.values()) {
      if (meeting === null || whom.meeting === meeting) this.#enqueue(whom);
    }
  }

  #enqueue(whom) {
    if (this.#waiting.size < MOST_WAITING) this.#waiting.set(keyOf(whom), whom);
    if (!this.#asking) this.#work();
  }

  // One at a time: whoever floods the daemon with events does not flood it with questions, too.
  async #work() {
    this.#asking = true;
    for (const [key, whom] of this.#waiting) {
      this.#waiting.delete(key);
      await this.#renew(whom);
    }
    this.#asking = false;
  }

  async #renew(whom) {
    const { meeting, participant, country } = whom;
    const query = new URLSearchParams({ participant, ...(country && { country }) });
    try {
      const path = `/v1/meetings/${encodeURIComponent(meeting)}/notice?${query}`;
      const { status, json } = await get(this.socket, path);
      if (status === 200) this.#keep(whom, json);
      else if (status === 404) this.#drop(whom);
    } catch {
      const kept = this.kept(whom);
      if (kept !== null && Date.parse(kept.until) <= Date.now()) this.#drop(whom);
    }
  }

  #keep(whom, notice) {
    if (this.#closed) return;
    const key = keyOf(whom);
    const before = this.#kept.get(key);
    clearTimeout(before?.timer);
    const left = Date.parse(notice.until) - Date.now() + 100;
    const timer = setTimeout(() => this.#enqueue(whom), Math.min(Math.max(left, 1000), LONGEST_TIMER_MS)).unref();
    this.#kept.set(key, { whom, notice, timer });
    if (this.#kept.size > MOST_NOTICES) this.#forget(this.#kept.keys().next().value);
    if (JSON.stringify(before?.notice) !== JSON.stringify(notice)) this.tell(whom, notice);
  }

  #drop(whom) {
    if (this.#forget(keyOf(whom))) this.tell(whom, null);
  }

  #forget(key) {
    clearTimeout(this.#kept.get(key)?.timer);
    return this.#kept.delete(key);
  }
}
