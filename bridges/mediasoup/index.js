// SPDX-License-Identifier: Apache-2.0
// Tells meetfence which of mediasoup's transports belong to which meeting and participant. Nothing here waits
// for the daemon, and nothing is thrown into mediasoup: what goes wrong is a 'warning'.
import { EventEmitter } from 'node:events';

import { afterRestart, bindingsOf, kindOf } from './lib/bindings.js';
import { Daemon } from './lib/daemon.js';
import { byAppData, placeOf } from './lib/identify.js';
import { Ledger } from './lib/ledger.js';
import { Link } from './lib/link.js';
import { Watch } from './lib/watch.js';

const DEFAULTS = {
  socket: '/run/meetfence/control.sock',
  prefix: 'mediasoup-',
  identify: {},
  addresses: {},
  anyAddress: false,
  registerMeetings: true,
  resyncSeconds: 300,
  maxPending: 100_000,
  maxPauseMs: 1000,
};

export class Bridge extends EventEmitter {
  #transports = new Map(); // transport → {router, ufrags, unbound: why}
  #ledger = new Ledger();
  #endings = [];
  #closed = false;
  #options;
  #identify;
  #where;
  #link;
  #watch;

  constructor(options = {}) {
    super();
    this.#options = checked(options);
    const { identify, addresses, anyAddress, socket } = this.#options;
    this.#identify = typeof identify === 'function' ? identify : byAppData(identify);
    this.#where = { addresses: new Map(Object.entries(addresses)), anyAddress };
    this.#watch = new Watch({ transport: (transport, router) => this.#see(transport, router) },
      (listener) => this.#guarded(listener));
    this.#link = new Link(new Daemon(socket), this.#ledger, this.#options, (text) => this.#warn(text));
    this.#link.start();
  }

  /// Everything that mediasoup makes from now on.
  observe(mediasoup) {
    this.#endings.push(this.#watch.mediasoup(mediasoup));
    return this;
  }

  /// A worker, router, WebRtcServer or transport that is there already; a transport again, whose appData changed.
  adopt(object, router) {
    this.#watch.adopt(object, router);
    return this;
  }

  /// Resolves when the daemon has everything that is known now.
  settled() {
    return this.#link.settled();
  }

  status() {
    const unbound = {};
    for (const { unbound: why } of this.#transports.values()) {
      if (why !== null) unbound[why] = (unbound[why] ?? 0) + 1;
    }
    return { ...this.#ledger.counts(), transports: this.#transports.size, unbound, ...this.#link.status() };
  }

  /// The daemon keeps what it knows: people are still there. The next bridge with this prefix takes over.
  close() {
    this.#closed = true;
    for (const end of this.#endings.splice(0)) end();
    this.#link.close();
  }

  #see(transport, router) {
    const known = this.#transports.get(transport);
    if (known !== undefined) {
      known.router ??= router;
      this.#refresh(transport);
      return;
    }
    const kind = kindOf(transport);
    if (transport.closed || (kind !== 'webrtc' && kind !== 'plain')) return;
    this.#transports.set(transport, { router, ufrags: [], unbound: null });
    const refresh = this.#guarded(() => this.#refresh(transport));
    for (const event of kind === 'webrtc' ? ['iceselectedtuplechange'] : ['tuple', 'rtcptuple']) {
      transport.observer.on(event, refresh);
    }
    transport.observer.on('close', this.#guarded(() => this.#forget(transport)));
    // Neither of them is told of by an event.
    callAfter(transport, kind === 'webrtc' ? 'restartIce' : 'connect', refresh);
    this.#refresh(transport);
  }

  #refresh(transport) {
    const entry = this.#transports.get(transport);
    if (entry === undefined) return; // closed meanwhile
    if (transport.iceParameters !== undefined) {
      entry.ufrags = afterRestart(entry.ufrags, transport.iceParameters.usernameFragment);
    }
    const found = this.#find(transport, entry.router);
    const bindings = found.place ? bindingsOf(transport, entry.ufrags, this.#where) : found;
    entry.unbound = bindings.unbound ?? null;
    this.#touch(entry.unbound === null ? this.#ledger.put(transport, found.place, bindings)
      : this.#ledger.remove(transport));
  }

  #find(transport, router) {
    try {
      return placeOf(this.#identify(transport, router), this.#options.prefix);
    } catch {
      this.#warn('identify() has thrown: the transport is not bound');
      return { unbound: 'identify_failed' };
    }
  }

  #forget(transport) {
    this.#transports.delete(transport);
    this.#touch(this.#ledger.remove(transport));
  }

  #touch(people) {
    for (const person of people) this.#link.touch(person);
  }

  #guarded(listener) {
    return (...words) => {
      if (this.#closed) return;
      try {
        listener(...words);
      } catch (error) {
        this.#warn(`an event of mediasoup was not understood: ${error.name}`);
      }
    };
  }

  #warn(text) {
    try {
      this.emit('warning', new Error(text));
    } catch {
      // Whoever listens is not to bring down the media server, either.
    }
  }
}

function checked(options) {
  const unknown = Object.keys(options).find((key) => !Object.hasOwn(DEFAULTS, key));
  if (unknown !== undefined) {
    const known = Object.keys(DEFAULTS).join(', ');
    throw new TypeError(`meetfence-mediasoup has no option '${unknown}'; known are ${known}`);
  }
  const all = { ...DEFAULTS, ...options };
  if (!/^[\x21-\x7e]{1,64}$/.test(all.prefix)) {
    throw new TypeError("meetfence-mediasoup: 'prefix' is 1 to 64 printable ASCII characters without spaces");
  }
  return all;
}

function callAfter(object, method, then) {
  const original = object[method];
  if (typeof original !== 'function') return;
  object[method] = async function (...words) {
    const result = await original.apply(this, words);
    then();
    return result;
  };
}
