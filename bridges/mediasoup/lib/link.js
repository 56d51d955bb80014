// SPDX-License-Identifier: Apache-2.0
// Keeps the daemon at what the ledger says. Of each person only that something changed is pending: what is sent
// is how he is then. Everything that goes wrong ends the session, and the next one begins with all of it anew.
import { personOf, placeOfPerson } from './ledger.js';

const MOST_AT_ONCE = 500; // persons in a batch
const FIRST_PAUSE_MS = 100;

export class Link {
  #pending = new Map(); // person → since when
  #registered = new Set(); // meetings that were unknown before
  #wake = () => {};
  #up = false;
  #closed = false;
  #working = false;
  #resyncDue = false;
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
    const events = await this.daemon.follow();
    let over = false;
    events.ended.then(() => {
      over = true;
      this.#wake();
    });
    this.#up = true;
    this.#resyncDue = true;
    try {
      while (!over && !this.#closed) await this.#next();
    } finally {
      this.#up = this.#working = false;
      this.#pending.clear();
      events.close();
    }
  }

  async #next() {
    this.#working = true;
    if (this.#resyncDue) {
      await this.#resync();
      this.#pause = FIRST_PAUSE_MS;
      this.#said = '';
    } else if (this.#pending.size > 0) {
      await this.#flush();
    } else {
      this.#working = false;
      this.#tellSettled();
      await this.#sleep(this.options.resyncSeconds * 1000, () => (this.#resyncDue = true));
    }
  }

  // Marks everybody, and whoever the daemon has of ours and we have not.
  async #resync() {
    this.#resyncDue = false;
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
    const empty = meetings.filter((id) => this.#registered.has(id) && this.ledger.isEmpty(id));
    await this.daemon.batch(empty.map((id) => ({ method: 'DELETE', path: `${meetingPath(id)}?unused=true` })));
    for (const meeting of empty) this.#registered.delete(meeting);
  }

  // Who was not there is gone, as it should be.
  #judge(sent) {
    const refused = sent.filter(({ method, status }) => status >= 300 && !(method === 'DELETE' && status === 404));
    this.#counts.refused += refused.length;
    const said = refused.filter((one) => this.options.registerMeetings || !isHomeless(one));
    if (said.length === 0) return;
    this.warn(`the daemon refused ${said.length} participants: ` +
      `HTTP ${[...new Set(said.map(({ status }) => status))].join(', ')}; ` +
      `they are tried again in ${this.options.resyncSeconds} s at the latest`);
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

  #sleep(ms, onTimeout = () => {}) {
    return new Promise((resolve) => {
      const timer = setTimeout(() => {
        onTimeout();
        resolve();
      }, ms);
      timer.unref();
      this.#wake = () => {
        clearTimeout(timer);
        this.#wake = () => {};
        resolve();
      };
    });
  }
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
