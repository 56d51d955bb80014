#!/usr/bin/env node
// SPDX-License-Identifier: Apache-2.0
// In place of mediasoup-worker, for mediasoup's own JavaScript: it answers on the channel as the worker does
// (FlatBuffers on descriptors 3 and 4, by mediasoup's own schema), and carries no media.
'use strict';
const { randomBytes } = require('node:crypto');
const net = require('node:net');
const path = require('node:path');

const root = process.env.MEETFENCE_MEDIASOUP;
const fbs = (name) => require(path.join(root, 'node/lib/fbs', name));
const flatbuffers = require(require.resolve('flatbuffers', { paths: [root] }));
const message = fbs('message');
const { Method } = fbs('request');
const response = fbs('response');
const notification = fbs('notification');
const transport = fbs('transport');
const webRtc = fbs('web-rtc-transport');
const plain = fbs('plain-transport');
const pipe = fbs('pipe-transport');
const { RtpListenerT } = transport;

const output = new net.Socket({ fd: 4 });
const servers = new Map(); // WebRtcServer → its listenInfos
const plains = new Map(); // transport → its tuples

function send(kind, body) {
  const builder = new flatbuffers.Builder(1024);
  builder.finishSizePrefixed(new message.MessageT(kind, body).pack(builder));
  output.write(builder.asUint8Array());
}

const text = () => randomBytes(16).toString('hex');
const base = (id) => Object.assign(new transport.DumpT(id),
  { recvRtpHeaderExtensions: new transport.RecvRtpHeaderExtensionsT(), rtpListener: new RtpListenerT() });
const tupleOf = ({ announcedAddress, ip, port, protocol }, more = 0) =>
  new transport.TupleT(announcedAddress ?? ip, port + more, null, 0, protocol);

function newWebRtc({ transportId, options: { listen } }) {
  const listenInfos = listen.listenInfos ?? servers.get(listen.webRtcServerId);
  const candidates = listenInfos.map(({ protocol, announcedAddress, ip, port }, i) =>
    new webRtc.IceCandidateT('foundation', 1076302079 - i, announcedAddress ?? ip, protocol, port));
  const ice = new webRtc.IceParametersT(text(), text(), true);
  return [response.Body.WebRtcTransport_DumpResponse, new webRtc.DumpResponseT(base(transportId),
    webRtc.IceRole.CONTROLLED, ice, candidates, webRtc.IceState.NEW, null, new webRtc.DtlsParametersT())];
}

function newPlain({ transportId, options: { listenInfo, rtcpMux, comedia } }) {
  const tuples = [tupleOf(listenInfo), rtcpMux ? null : tupleOf(listenInfo, 1)];
  plains.set(transportId, tuples);
  return [response.Body.PlainTransport_DumpResponse,
    new plain.DumpResponseT(base(transportId), rtcpMux, comedia, ...tuples)];
}

function newPipe({ transportId, options: { listenInfo } }) {
  return [response.Body.PipeTransport_DumpResponse, new pipe.DumpResponseT(base(transportId), tupleOf(listenInfo))];
}

function connectPlain({ ip, port }, id) {
  const [tuple] = plains.get(id);
  Object.assign(tuple, { remoteIp: ip, remotePort: port });
  return [response.Body.PlainTransport_ConnectResponse, new plain.ConnectResponseT(tuple)];
}

const ANSWERS = {
  [Method.WORKER_CREATE_WEBRTCSERVER]: ({ webRtcServerId, listenInfos }) => {
    servers.set(webRtcServerId, listenInfos);
    return [];
  },
  [Method.ROUTER_CREATE_WEBRTCTRANSPORT]: newWebRtc,
  [Method.ROUTER_CREATE_WEBRTCTRANSPORT_WITH_SERVER]: newWebRtc,
  [Method.ROUTER_CREATE_PLAINTRANSPORT]: newPlain,
  [Method.ROUTER_CREATE_PIPETRANSPORT]: newPipe,
  [Method.PLAINTRANSPORT_CONNECT]: connectPlain,
  [Method.TRANSPORT_RESTART_ICE]: () =>
    [response.Body.Transport_RestartIceResponse, new transport.RestartIceResponseT(text(), text(), true)],
};

function answer({ id, method, body, handlerId }) {
  if (method === Method.WORKER_CLOSE) process.exit(0);
  const [kind, said] = ANSWERS[method]?.(body, handlerId) ?? [];
  send(message.Body.Response, new response.ResponseT(id, true, kind, said));
}

let waiting = Buffer.alloc(0);
new net.Socket({ fd: 3 }).on('data', (data) => {
  waiting = Buffer.concat([waiting, data]);
  while (waiting.length >= 4 && waiting.length >= 4 + waiting.readUInt32LE()) {
    const end = 4 + waiting.readUInt32LE();
    const bytes = new flatbuffers.ByteBuffer(new Uint8Array(waiting.subarray(4, end)));
    waiting = waiting.subarray(end);
    const received = message.Message.getRootAsMessage(bytes).unpack();
    if (received.dataType === message.Body.Request) answer(received.data);
  }
}).on('close', () => process.exit(0));

send(message.Body.Notification, new notification.NotificationT(String(process.pid), notification.Event.WORKER_RUNNING));
