// SPDX-License-Identifier: Apache-2.0
// Which transports each person has, and what the daemon should know of him by them all.

/// A person by one word; no identifier has a space in it.
export const personOf = ({ meeting, participant }) => `${meeting} ${participant}`;
export const placeOfPerson = (person) => {
  const [meeting, participant] = person.split(' ');
  return { meeting, participant };
};

export class Ledger {
  #byTransport = new Map(); // any key → {person, bindings}
  #people = new Map(); // person → the keys of his transports
  #inMeeting = new Map(); // meeting → its persons

  /// The persons of whom the daemon should now know something else.
  put(key, place, bindings) {
    const person = personOf(place);
    const before = this.#byTransport.get(key);
    if (before?.person === person && JSON.stringify(before.bindings) === JSON.stringify(bindings)) return [];
    const changed = before !== undefined && before.person !== person ? this.remove(key) : [];
    this.#byTransport.set(key, { person, bindings });
    if (!this.#people.has(person)) {
      this.#people.set(person, new Set());
      if (!this.#inMeeting.has(place.meeting)) this.#inMeeting.set(place.meeting, new Set());
      this.#inMeeting.get(place.meeting).add(person);
    }
    this.#people.get(person).add(key);
    return [...changed, person];
  }

  /// As put(). What is not there any more is no error: some servers close a thing twice.
  remove(key) {
    const before = this.#byTransport.get(key);
    if (before === undefined) return [];
    this.#byTransport.delete(key);
    const keys = this.#people.get(before.person);
    keys.delete(key);
    if (keys.size === 0) {
      this.#people.delete(before.person);
      this.#leave(before.person);
    }
    return [before.person];
  }

  /// The body of the PUT; null for who has left.
  bodyOf(person) {
    const keys = this.#people.get(person);
    if (keys === undefined) return null;
    const all = [...keys].map((key) => this.#byTransport.get(key).bindings);
    return { ufrags: all.flatMap(({ ufrags }) => ufrags), flows: all.flatMap(({ flows }) => flows) };
  }

  people() {
    return this.#people.keys();
  }

  peopleIn(meeting) {
    return [...(this.#inMeeting.get(meeting) ?? [])];
  }

  isEmpty(meeting) {
    return !this.#inMeeting.has(meeting);
  }

  counts() {
    let bindings = 0;
    for (const { bindings: { ufrags, flows } } of this.#byTransport.values()) bindings += ufrags.length + flows.length;
    return { meetings: this.#inMeeting.size, participants: this.#people.size, bindings };
  }

  #leave(person) {
    const { meeting } = placeOfPerson(person);
    const others = this.#inMeeting.get(meeting);
    others.delete(person);
    if (others.size === 0) this.#inMeeting.delete(meeting);
  }
}
