// SPDX-License-Identifier: Apache-2.0
// Keeps the daemon at what the ledger says. Of each person only that something changed is pending: what is sent
// is how he is then. Everything that goes wrong ends the session, and the next one begins with all of it anew.
import { personOf, placeOfPerson } from './ledger.js';

const MOST_AT_ONCE = 500; // persons in a batch
const FIRST_PAUSE_MS = 100;
const RETRY_MS = 1000;
const MOST_RETRIED = 2000; // of the refused, at once
const LONGEST_TIMER_MS = 2 ** 31 - 1;

export class Link {
  #pending = new Map(); // person → since when
  #refused = new Map(); // person → the status, the one tried longest ago first
  #told = new Set(); // of these statuses, those that were warned of
  #registered = new Set(); // meetings that were unknown before
  #removing = new Set(); // those of them whose event, that they are removed, is ours
  #wake = () => {};
  #up = false;
  #closed = false;
  #working = false;
  #resyncDue = false;
  #resyncAt = 0;
  #retryAt = 0;
  #since = 0; // when events began to be new
  #waiting = []; // who asked settled()
  #said = ''; // the latest warning of the connection
  #pause = FIRST_PAUSE_MS;
  #counts = { resyncs: 0, refused: 0, lag_ms: null };

  /// options: {prefix, registerMeetings, resyncSeconds, maxPending, maxPauseMs}
  constructor(daemon, ledger, options, warn) {
    Object.assign(this, { daemon, ledger, options, warn });
  }

  start() {
    this.#run().catch((error) => this.warn(`the link to the daemon is broken: ${error.message}`));
  }

  /// Something of this person changed.
  touch(person) {
    if (!this.#up) return; // the next session begins with everybody
    if (this.#pending.size >= this.options.maxPending && !this.#pending.has(person)) {
      this.#resyncDue = true;
    } else if (!this.#pending.has(person)) {
      this.#pending.set(person, Date.now());
    }
    this.#wake();
  }

  /// When the daemon has everything that is known now.
  settled() {
    return new Promise((resolve) => {
      this.#waiting.push(resolve);
      this.#tellSettled();
    });
  }

  status() {
    return { connected: this.#up, pending: this.#pending.size, ...this.#counts };
  }

  close() {
    this.#closed = true;
    this.#wake();
    for (const resolve of this.#waiting.splice(0)) resolve();
  }

  async #run() {
    while (!this.#closed) {
      try {
        await this.#session();
      } catch (error) {
        this.#say(`the daemon cannot be told of changes: ${error.code ?? error.message}; trying again`);
      }
      if (!this.#closed) await this.#sleep(this.#pause);
      this.#pause = Math.min(this.#pause * 2, this.options.maxPauseMs);
    }
  }

  async #session() {
    this.#since = Date.now();
    const events = await this.daemon.follow((event) => this.#onEvent(event));
    let over = false;
    events.ended.then(() => {
      if (over) return; // the pause after it is not cut short
      over = true;
      this.#wake();
    });
    this.#up = true;
    this.#resyncDue = true;
    try {
      while (!over && !this.#closed) await this.#next();
    } finally {
      over = true;
      this.#up = this.#working = false;
      for (const kept of [this.#pending, this.#refused, this.#removing]) kept.clear();
      events.close();
    }
  }

  // What was before the connection is told again at its begin.
  #onEvent({ event, meeting, time }) {
    this.#since = Math.min(this.#since, Date.now()); // the clock was set back
    const isNew = Date.parse(time) >= this.#since - this.#since % 1000;
    if (!isNew || typeof meeting !== 'string') return;
    if (event === 'meeting_removed') {
      if (!this.#removing.delete(meeting)) this.#registered.delete(meeting); // who adds it again keeps it
      for (const person of this.ledger.peopleIn(meeting)) this.touch(person);
    } else if (event === 'meeting_added') {
      for (const person of this.ledger.peopleIn(meeting)) if (this.#refused.has(person)) this.touch(person);
    }
  }

  async #next() {
    this.#working = true;
    const now = performance.now();
    if (now >= this.#resyncAt) this.#resyncDue = true;
    if (this.#resyncDue) {
      await this.#resync();
      return;
    }
    if (now >= this.#retryAt) this.#retry(now); // however much goes on
    if (this.#pending.size > 0) {
      await this.#flush();
      return;
    }
    this.#working = false;
    this.#pause = FIRST_PAUSE_MS; // it takes what it is told
    this.#said = '';
    this.#tellSettled();
    await this.#sleep((this.#refused.size > 0 ? Math.min(this.#resyncAt, this.#retryAt) : this.#resyncAt) - now);
  }

  #retry(now) {
    this.#retryAt = now + RETRY_MS;
    const statuses = new Set(this.#refused.values());
    for (const status of this.#told) if (!statuses.has(status)) this.#told.delete(status);
    const room = Math.min(MOST_RETRIED, this.options.maxPending - this.#pending.size);
    for (const person of [...this.#refused.keys()].slice(0, Math.max(room, 0))) this.touch(person);
  }

  // Marks everybody, and whoever the daemon has of ours and we have not.
  async #resync() {
    this.#resyncDue = false;
    this.#resyncAt = performance.now() + this.options.resyncSeconds * 1000;
    const now = Date.now();
    for (const { id: meeting } of (await this.daemon.get('/v1/meetings')) ?? []) {
      const listed = await this.daemon.get(`${meetingPath(meeting)}/participants`);
      for (const { id: participant } of listed ?? []) {
        const person = personOf({ meeting, participant });
        const isStray = participant.startsWith(this.options.prefix) && this.ledger.bodyOf(person) === null;
        if (isStray) this.#pending.set(person, now);
      }
    }
    for (const person of this.ledger.people()) this.#pending.set(person, now);
    await this.#leave([...this.#registered]); // in use, the last time
    ++this.#counts.resyncs;
  }

  async #flush() {
    const taken = [...this.#pending].slice(0, MOST_AT_ONCE);
    for (const [person] of taken) this.#pending.delete(person);
    const people = taken.map(([person]) => person);
    const first = await this.#send(people);
    await this.#register(first.filter(isHomeless).map(({ person }) => person));
    // What was another's is free now, if he gave it up in the same batch.
    const mayDoNow = (sent) => isHomeless(sent) || sent.status === 409;
    const second = await this.#send(first.filter(mayDoNow).map(({ person }) => person));
    this.#judge([...first.filter((sent) => !mayDoNow(sent)), ...second]);
    this.#counts.lag_ms = Date.now() - Math.min(...taken.map(([, since]) => since));
    await this.#leave(meetingsOf(people));
  }

  async #send(people) {
    const steps = people.map((person) => this.#step(person));
    const statuses = await this.daemon.batch(steps);
    return people.map((person, i) => ({ person, method: steps[i].method, status: statuses[i] }));
  }

  #step(person) {
    const { meeting, participant } = placeOfPerson(person);
    const path = `${meetingPath(meeting)}/participants/${encodeURIComponent(participant)}`;
    const body = this.ledger.bodyOf(person);
    return body === null ? { method: 'DELETE', path } : { method: 'PUT', path, body };
  }

  async #register(people) {
    if (!this.options.registerMeetings) return;
    const meetings = meetingsOf(people);
    const missing = [];
    for (const meeting of meetings) { // none is overwritten
      if (await this.daemon.get(meetingPath(meeting)) === undefined) missing.push(meeting);
    }
    const steps = missing.map((meeting) => ({ method: 'PUT', path: meetingPath(meeting), body: {} }));
    const statuses = await this.daemon.batch(steps);
    missing.filter((_, i) => statuses[i] < 300).forEach((meeting) => this.#registered.add(meeting));
  }

  // Only where nobody else has a use for it, which the daemon knows.
  async #leave(meetings) {
    const canGo = (id) => this.#registered.has(id) && this.ledger.isEmpty(id);
    for (const meeting of meetings.filter(canGo)) {
      const known = await this.daemon.get(meetingPath(meeting));
      if (known === undefined || !isAsRegistered(known)) this.#registered.delete(meeting);
    }
    const empty = meetings.filter(canGo);
    for (const meeting of empty) this.#removing.add(meeting);
    const steps = empty.map((id) => ({ method: 'DELETE', path: `${meetingPath(id)}?unused=true` }));
    (await this.daemon.batch(steps)).forEach((status, i) => {
      if (status >= 300) this.#removing.delete(empty[i]);
      if (status < 300 || status === 404) this.#registered.delete(empty[i]);
    });
  }

  // Who was not there is gone, as it should be.
  #judge(sent) {
    for (const { person, method, status } of sent) {
      this.#refused.delete(person);
      if (status >= 300 && !(method === 'DELETE' && status === 404)) this.#refuse(person, method, status);
    }
  }

  #refuse(person, method, status) {
    this.#refused.set(person, status);
    ++this.#counts.refused;
    if (this.#told.has(status) || (isHomeless({ method, status }) && !this.options.registerMeetings)) return;
    this.#told.add(status);
    this.warn(`the daemon refuses participants: HTTP ${status}; they are tried again every second`);
  }

  #tellSettled() {
    if (!this.#up || this.#working || this.#resyncDue || this.#pending.size > 0) return;
    for (const resolve of this.#waiting.splice(0)) resolve();
  }

  // Once, not at every attempt.
  #say(text) {
    if (text !== this.#said) this.warn(text);
    this.#said = text;
  }

  #sleep(ms) {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, Math.min(ms, LONGEST_TIMER_MS)).unref();
      this.#wake = () => {
        clearTimeout(timer);
        this.#wake = () => {};
        resolve();
      };
    });
  }
}

// Else the operator has made it his.
function isAsRegistered({ endpoints, shared_endpoints: shared, turn_endpoints: turn, until }) {
  return until === null && [endpoints, shared, turn].every((list) => list?.length === 0);
}

function meetingPath(meeting) {
  return `/v1/meetings/${encodeURIComponent(meeting)}`;
}

function meetingsOf(people) {
  return [...new Set(people.map((person) => placeOfPerson(person).meeting))];
}

function isHomeless({ method, status }) {
  return method === 'PUT' && status === 404;
}
