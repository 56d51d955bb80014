// SPDX-License-Identifier: Apache-2.0
// Sees workers, routers and transports come, by mediasoup's observers. It calls back, and keeps nothing of them.

/// `handlers`: {transport(transport, router)}; `guard(f)` makes of f a listener that does not throw.
export class Watch {
  #seen = new WeakSet();

  constructor(handlers, guard) {
    Object.assign(this, { handlers, guard });
  }

  /// Workers of the future. Returns what ends it.
  mediasoup({ observer }) {
    const onWorker = this.guard((worker) => this.adopt(worker));
    observer.on('newworker', onWorker);
    return () => observer.off('newworker', onWorker);
  }

  /// Of what exists already, mediasoup lists nothing: each worker, router, WebRtcServer and transport is named.
  adopt(object, router = null) {
    const kind = kindOfObject(object);
    if (kind === 'transport') {
      this.handlers.transport(object, router);
    } else if (!this.#seen.has(object)) {
      this.#seen.add(object);
      this[`_${kind}`](object);
    }
  }

  _worker({ observer }) {
    observer.on('newrouter', this.guard((router) => this.adopt(router)));
    observer.on('newwebrtcserver', this.guard((server) => this.adopt(server)));
  }

  _router(router) {
    router.observer.on('newtransport', this.guard((transport) => this.adopt(transport, router)));
  }

  // Transports of routers that were there before and that nobody has named.
  _server({ observer }) {
    observer.on('webrtctransporthandled', this.guard((transport) => this.adopt(transport)));
  }
}

function kindOfObject(object) {
  if (typeof object?.observer?.on !== 'function') throw new TypeError('this is no object of mediasoup');
  if (typeof object.createRouter === 'function') return 'worker';
  if (typeof object.createWebRtcTransport === 'function') return 'router';
  return typeof object.produce === 'function' ? 'transport' : 'server';
}
