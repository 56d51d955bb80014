// SPDX-License-Identifier: Apache-2.0
// A double of mediasoup's documented observer API, compared with the code of mediasoup 3.19.3: names and words of
// the events, getters, safeEmit(), asynchronous restartIce() and connect() that tell no observer. There is no
// worker behind it. real/ runs the same scenarios against mediasoup's own JavaScript.
import { randomBytes, randomUUID } from 'node:crypto';
import { EventEmitter } from 'node:events';
import { setImmediate as turn } from 'node:timers/promises';

class EnhancedEventEmitter extends EventEmitter {
  safeEmit(event, ...words) {
    try {
      return this.emit(event, ...words);
    } catch (error) {
      try {
        this.emit('listenererror', event, error);
      } catch {
        // as there
      }
      return Boolean(this.listenerCount(event));
    }
  }
}

class Observed extends EnhancedEventEmitter {
  observer = new EnhancedEventEmitter();
  closed = false;
  id = randomUUID();

  constructor(appData) {
    super();
    this.appData = appData ?? {};
    // Of an observer, mediasoup hears no listener's error; a test does.
    this.observer.on('listenererror', (_, error) => thrown.push(error));
  }

  close() {
    if (this.closed) return;
    this.closed = true;
    this.emit('@close');
    this.observer.safeEmit('close');
  }
}

/// What listeners have thrown into mediasoup.
export const thrown = [];

class Transport extends Observed {
  async produce() {
    throw new Error('the double carries no media');
  }

  routerClosed() {
    if (this.closed) return;
    this.closed = true;
    this.safeEmit('routerclose');
    this.observer.safeEmit('close');
  }
}

class WebRtcTransport extends Transport {
  #iceParameters = newIceParameters();
  type = 'webrtc';

  constructor({ appData, listenInfos }) {
    super(appData);
    this.iceCandidates = listenInfos.map(({ protocol, ip, announcedAddress, port }, i) => ({
      foundation: `${protocol}candidate`, priority: 1076302079 - i, ip: announcedAddress ?? ip,
      address: announcedAddress ?? ip, protocol, port, type: 'host',
      tcpType: protocol === 'tcp' ? 'passive' : undefined,
    }));
  }

  get iceParameters() {
    return this.#iceParameters;
  }

  async restartIce() {
    await turn();
    this.#iceParameters = newIceParameters();
    return this.#iceParameters;
  }
}

class PlainTransport extends Transport {
  #data;
  type = 'plain';

  constructor({ appData, listenInfo: { protocol, ip, announcedAddress, port }, rtcpMux = true }) {
    super(appData);
    const tuple = (at) => ({ localIp: announcedAddress ?? ip, localAddress: announcedAddress ?? ip, localPort: at,
      remoteIp: undefined, remotePort: 0, protocol });
    this.#data = { tuple: tuple(port), rtcpTuple: rtcpMux ? undefined : tuple(port + 1) };
  }

  get tuple() {
    return this.#data.tuple;
  }

  get rtcpTuple() {
    return this.#data.rtcpTuple;
  }

  async connect({ ip, port, rtcpPort }) {
    await turn();
    this.learn('tuple', ip, port);
    if (this.rtcpTuple) this.learn('rtcpTuple', ip, rtcpPort);
  }

  learn(name, remoteIp, remotePort) {
    this.#data[name] = { ...this.#data[name], remoteIp, remotePort };
    return this.#data[name];
  }
}

class PipeTransport extends Transport {
  type = 'pipe';
  tuple = { localAddress: '198.18.0.1', localPort: 41000, remoteIp: '198.18.0.2', remotePort: 1, protocol: 'udp' };
}

class WebRtcServer extends Observed {
  constructor({ appData, listenInfos }) {
    super(appData);
    this.listenInfos = listenInfos;
  }
}

class Router extends Observed {
  #transports = new Set();

  async createWebRtcTransport({ appData, listenInfos, webRtcServer }) {
    await turn();
    const infos = webRtcServer?.listenInfos ?? listenInfos;
    const transport = this.#add(new WebRtcTransport({ appData, listenInfos: infos }));
    webRtcServer?.observer.safeEmit('webrtctransporthandled', transport);
    return transport;
  }

  async createPlainTransport(options) {
    await turn();
    return this.#add(new PlainTransport(options));
  }

  async createPipeTransport({ appData }) {
    await turn();
    return this.#add(new PipeTransport(appData));
  }

  #add(transport) {
    this.#transports.add(transport);
    this.observer.safeEmit('newtransport', transport);
    return transport;
  }

  close() {
    if (this.closed) return;
    for (const transport of this.#transports) transport.routerClosed();
    super.close();
  }
}

class Worker extends Observed {
  async createRouter({ appData } = {}) {
    await turn();
    const router = new Router(appData);
    this.observer.safeEmit('newrouter', router);
    return router;
  }

  async createWebRtcServer(options) {
    await turn();
    const server = new WebRtcServer(options);
    this.observer.safeEmit('newwebrtcserver', server);
    return server;
  }
}

export function newMediasoup() {
  const observer = new EnhancedEventEmitter();
  return {
    observer,
    async createWorker({ appData } = {}) {
      await turn();
      const worker = new Worker(appData);
      observer.safeEmit('newworker', worker);
      return worker;
    },
  };
}

/// What the worker would tell: a tuple was selected, or learned.
export function hear(transport, event, remoteIp, remotePort) {
  const tuple = event === 'iceselectedtuplechange'
    ? { localAddress: '198.18.0.1', localPort: 10000, remoteIp, remotePort, protocol: 'udp' }
    : transport.learn(event === 'tuple' ? 'tuple' : 'rtcpTuple', remoteIp, remotePort);
  transport.safeEmit(event, tuple);
  transport.observer.safeEmit(event, tuple);
}

function newIceParameters() {
  const [usernameFragment, password] = [0, 1].map(() => randomBytes(16).toString('hex'));
  return { usernameFragment, password, iceLite: true };
}
