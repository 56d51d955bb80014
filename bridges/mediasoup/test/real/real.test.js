// SPDX-License-Identifier: Apache-2.0
// The scenarios with mediasoup's own JavaScript, where somebody has it: MEETFENCE_MEDIASOUP=…/node_modules/mediasoup
// Its worker is fetched from GitHub, or takes long to build: worker.cjs stands in for it.
import { createRequire } from 'node:module';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

import { scenarios } from '../scenarios.js';

const root = process.env.MEETFENCE_MEDIASOUP;
if (!root) throw new Error('MEETFENCE_MEDIASOUP names no folder: the README says which');
process.env.MEDIASOUP_WORKER_BIN = fileURLToPath(new URL('worker.cjs', import.meta.url));
const require = createRequire(path.join(root, 'package.json'));
const flatbuffers = require('flatbuffers');
const mediasoup = require(root);
const fbs = (name) => require(path.join(root, 'node/lib/fbs', name));
const { TupleT, Protocol } = fbs('transport');
const { Event } = fbs('notification');

const NOTES = {
  iceselectedtuplechange: [Event.WEBRTCTRANSPORT_ICE_SELECTED_TUPLE_CHANGE,
    fbs('web-rtc-transport').IceSelectedTupleChangeNotificationT],
  tuple: [Event.PLAINTRANSPORT_TUPLE, fbs('plain-transport').TupleNotificationT],
  rtcptuple: [Event.PLAINTRANSPORT_RTCP_TUPLE, fbs('plain-transport').RtcpTupleNotificationT],
};

/// A notification of the worker's, where it comes out of the channel.
function hear(transport, event, remoteIp, remotePort) {
  const [number, Note] = NOTES[event];
  const { localAddress, localPort } = (event === 'rtcptuple' ? transport.rtcpTuple : transport.tuple)
    ?? { localAddress: '198.18.0.1', localPort: 10000 };
  const builder = new flatbuffers.Builder();
  builder.finish(new Note(new TupleT(localAddress, localPort, remoteIp, remotePort, Protocol.UDP)).pack(builder));
  const bytes = new flatbuffers.ByteBuffer(builder.asUint8Array());
  const body = (note) => note.__init(bytes.readInt32(bytes.position()) + bytes.position(), bytes);
  transport.channelForTesting.emit(transport.id, number, { body });
}

const thrown = [];
mediasoup.setLogEventListeners({ onerror: (space, text) => thrown.push(`${space}: ${text}`) });
scenarios({ mediasoup, hear, thrown });
