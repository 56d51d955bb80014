// SPDX-License-Identifier: Apache-2.0
// What is decided without a socket: whose a transport is, what of it is seen on the wire, what a person has.
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { afterRestart, bindingsOf, kindOf } from '../lib/bindings.js';
import { byAppData, placeOf } from '../lib/identify.js';
import { Ledger } from '../lib/ledger.js';

const nowhere = { addresses: new Map(), anyAddress: false };
const candidate = (address, protocol = 'udp', port = 10000) => ({ address, ip: address, protocol, port });
const webrtc = (...iceCandidates) => ({ type: 'webrtc', iceParameters: { usernameFragment: 'abcd' }, iceCandidates });
const plain = (tuple, rtcpTuple) => ({ type: 'plain', tuple, rtcpTuple });
const endsOf = (transport, where = nowhere) =>
  bindingsOf(transport, ['abcd'], where).ufrags?.map(({ endpoint }) => endpoint);

test('candidates become endpoints', () => {
  assert.deepEqual(endsOf(webrtc(candidate('198.18.0.1'), candidate('2001:db8::1', 'tcp', 443))),
    ['udp:198.18.0.1:10000', 'tcp:[2001:db8::1]:443']);
  assert.deepEqual(endsOf(webrtc(candidate('198.18.0.1'), candidate('198.18.0.1'))), ['udp:198.18.0.1:10000']);
  assert.deepEqual(endsOf(webrtc({ ip: '198.18.0.1', protocol: 'udp', port: 1 })), ['udp:198.18.0.1:1'], 'as once');
});

test('what is announced is not what is bound', () => {
  const where = { ...nowhere, addresses: new Map([['203.0.113.1', '10.0.0.1'], ['sfu.example', '2001:db8::1']]) };
  assert.deepEqual(endsOf(webrtc(candidate('203.0.113.1'), candidate('sfu.example')), where),
    ['udp:10.0.0.1:10000', 'udp:[2001:db8::1]:10000']);
  const any = { ...nowhere, anyAddress: true };
  assert.deepEqual(endsOf(webrtc(candidate('sfu.example'), candidate('0.0.0.0', 'tcp')), any),
    ['udp:*:10000', 'tcp:*:10000']);
  assert.deepEqual(endsOf(webrtc(candidate('0.0.0.0'), candidate('::'))), ['udp:*:10000']);
  for (const unknown of [webrtc(candidate('sfu.example')), webrtc(), { ...webrtc(), iceCandidates: undefined }]) {
    assert.deepEqual(bindingsOf(unknown, ['abcd'], nowhere), { unbound: 'no_local_address' });
  }
});

test('a flow has one local address', () => {
  const tuple = { localIp: '::', localPort: 1, remoteIp: '2001:db8::2', remotePort: 2, protocol: 'udp' };
  const local = (localAddress, where = nowhere) => bindingsOf(plain({ ...tuple, localAddress }), [], where);
  assert.deepEqual(local('2001:db8::1').flows, [{ local: 'udp:[2001:db8::1]:1', remote: '[2001:db8::2]:2' }]);
  assert.deepEqual(local('198.18.0.1', { ...nowhere, anyAddress: true }).flows[0].local, 'udp:198.18.0.1:1');
  for (const none of ['::', 'sfu.example', 'fe80::1%eth0']) {
    assert.deepEqual(local(none), { unbound: 'no_local_address' });
  }
  assert.deepEqual(bindingsOf(plain({ ...tuple, remoteIp: undefined }), [], nowhere), { unbound: 'no_remote_yet' });
});

test('kinds of transports, of older versions too', () => {
  assert.equal(kindOf({ iceParameters: {} }), 'webrtc');
  assert.equal(kindOf({ tuple: {}, rtcpTuple: undefined }), 'plain');
  assert.equal(kindOf({ tuple: {} }), 'other', 'a pipe');
  assert.equal(kindOf({ type: 'direct' }), 'direct');
});

test('the worker keeps one ufrag beside the newest', () => {
  assert.deepEqual(afterRestart([], 'a'), ['a']);
  assert.deepEqual(afterRestart(['a'], 'b'), ['b', 'a']);
  assert.deepEqual(afterRestart(['b', 'a'], 'b'), ['b', 'a']);
  assert.deepEqual(afterRestart(['b', 'a'], 'c'), ['c', 'b']);
});

test('identifiers', () => {
  const reason = (meeting, participant) => placeOf({ meeting, participant }, 'mediasoup-').unbound;
  const numbered = placeOf({ meeting: 7, participant: 'ann' }, 'p-');
  assert.deepEqual(numbered, { place: { meeting: '7', participant: 'p-ann' } });
  assert.equal(placeOf(null, 'p-').unbound, 'unidentified');
  assert.equal(reason('x'.repeat(128), 'y'.repeat(118)), undefined);
  assert.equal(reason('x'.repeat(128), 'y'.repeat(119)), 'bad_participant');
  assert.equal(reason('', 'ann'), 'bad_meeting');
  assert.equal(reason('A\n', 'ann'), 'bad_meeting');
  assert.equal(reason(NaN, 'ann'), 'no_meeting');
  assert.equal(reason('A', ['ann']), 'no_participant');
  const find = byAppData({ meeting: 'roomId', participant: 'peerId' });
  const found = find({ appData: { peerId: 'ann' } }, { appData: { roomId: 'R' } });
  assert.deepEqual(found, { meeting: 'R', participant: 'ann' });
  assert.deepEqual(find({ appData: null }, null), { meeting: undefined, participant: undefined });
});

test('a ledger in any order is what its transports are', () => {
  let seed = 1;
  const random = (below) => (seed = (seed * 48271) % 2147483647) % below;
  const ledger = new Ledger();
  const model = new Map();
  for (let i = 0; i < 5000; ++i) {
    const key = random(8);
    if (random(3) === 0) {
      ledger.remove(key);
      model.delete(key);
    } else {
      const place = { meeting: `M${random(2)}`, participant: `P${random(3)}` };
      const bindings = { ufrags: [{ endpoint: 'udp:*:1', ufrag: `${key}-${random(2)}` }], flows: [] };
      ledger.put(key, place, bindings);
      model.set(key, { person: `${place.meeting} ${place.participant}`, bindings });
    }
    const people = new Set([...model.values()].map(({ person }) => person));
    assert.deepEqual(new Set(ledger.people()), people);
    assert.equal(ledger.isEmpty('M0'), ![...people].some((person) => person.startsWith('M0')));
    assert.deepEqual(ledger.peopleIn('M1').sort(), [...people].filter((person) => person.startsWith('M1')).sort());
    assert.equal(ledger.counts().meetings, new Set([...people].map((person) => person.split(' ')[0])).size);
    for (const person of people) {
      const his = [...model.values()].filter((one) => one.person === person);
      const expected = his.map(({ bindings }) => bindings.ufrags[0].ufrag);
      assert.deepEqual(ledger.bodyOf(person).ufrags.map(({ ufrag }) => ufrag).sort(), expected.sort());
    }
  }
});

test('a ledger tells who changed, and nobody else', () => {
  const ledger = new Ledger();
  const bindings = { ufrags: [], flows: [] };
  assert.deepEqual(ledger.put(1, { meeting: 'A', participant: 'p' }, bindings), ['A p']);
  assert.deepEqual(ledger.put(1, { meeting: 'A', participant: 'p' }, { ...bindings }), []);
  assert.deepEqual(ledger.put(1, { meeting: 'B', participant: 'p' }, bindings), ['A p', 'B p']);
  assert.deepEqual([ledger.remove(1), ledger.remove(1), ledger.bodyOf('B p')], [['B p'], [], null]);
});
