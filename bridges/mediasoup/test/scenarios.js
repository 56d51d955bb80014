// SPDX-License-Identifier: Apache-2.0
// What the bridge does, whichever mediasoup it observes: `world` has mediasoup, and hear() for what a worker tells.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';

import { Bridge } from '../index.js';
import { FakeDaemon } from './fake_daemon.js';

const PATIENCE_MS = 10_000;
const EDGE = '198.18.0.1';
const LISTEN = [{ protocol: 'udp', ip: EDGE, port: 10000 }, { protocol: 'tcp', ip: EDGE, port: 10000 }];
const PLAIN = { protocol: 'udp', ip: EDGE, port: 40000 };

export function scenarios(world) {
  /// A test with a daemon, a bridge, and a router of a worker that came after it.
  function scenario(name, body, options = {}) {
    test(name, { timeout: 20_000 }, async () => {
      const daemon = await new FakeDaemon().start();
      const at = { daemon, bridge: new Bridge({ socket: daemon.socket, maxPauseMs: 200, ...options }), warnings: [] };
      at.bridge.on('warning', ({ message }) => at.warnings.push(message));
      at.bridge.observe(world.mediasoup);
      at.worker = await world.mediasoup.createWorker();
      try {
        at.router = await at.worker.createRouter();
        at.join = (appData, more) => at.router.createWebRtcTransport({ listenInfos: LISTEN, appData, ...more });
        await body(at);
      } finally {
        at.bridge.close();
        at.worker.close();
        await daemon.remove();
      }
    });
  }

  scenario('a person has several transports, and is gone with the last', async ({ bridge, daemon, join }) => {
    const send = await join({ meeting: 'A', participant: 'ann' });
    const receive = await join({ meeting: 'A', participant: 'ann' });
    await bridge.settled();
    assert.deepEqual(daemon.people, { 'A/mediasoup-ann': { ufrags: [...ways(send), ...ways(receive)], flows: [] } });
    send.close();
    await bridge.settled();
    assert.deepEqual(daemon.people['A/mediasoup-ann'].ufrags, ways(receive));
    receive.close();
    receive.close();
    await bridge.settled();
    assert.deepEqual(daemon.people, {});
    assert.equal(bridge.status().participants, 0);
  });

  scenario('a meeting is registered once, and removed where nobody else uses it', async ({ bridge, daemon, join }) => {
    daemon.inUse.add('ruled');
    daemon.meetings.set('known', new Map());
    for (const meeting of ['unknown', 'ruled', 'known']) {
      const transport = await join({ meeting, participant: 'ann' });
      await bridge.settled();
      assert.ok(daemon.people[`${meeting}/mediasoup-ann`]);
      transport.close();
      await bridge.settled();
    }
    assert.deepEqual([...daemon.meetings.keys()], ['known', 'ruled']);
    assert.deepEqual(daemon.log.filter((line) => /^PUT \/v1\/meetings\/[^/]*$/.test(line)),
      ['PUT /v1/meetings/unknown', 'PUT /v1/meetings/ruled']);
  });

  scenario('a meeting that was in use goes later', async ({ bridge, daemon, join }) => {
    daemon.inUse.add('ruled');
    const transport = await join({ meeting: 'ruled', participant: 'ann' });
    await bridge.settled();
    transport.close();
    await bridge.settled();
    assert.ok(daemon.meetings.has('ruled'));
    daemon.inUse.delete('ruled');
    await waitFor(() => !daemon.meetings.has('ruled'));
  }, { resyncSeconds: 0.1 });

  scenario('a meeting that the operator has made his stays', async ({ bridge, daemon, join }) => {
    const his = { endpoints: ['udp:198.18.0.1:45000'], shared_endpoints: ['udp:*:10000'],
      turn_endpoints: ['udp:198.18.0.1:3478'], until: '2030-01-01T00:00:00Z' };
    const transports = [];
    for (const meeting of ['mine', ...Object.keys(his)]) transports.push(await join({ meeting, participant: 'ann' }));
    await bridge.settled();
    for (const [key, value] of Object.entries(his)) daemon.changed.set(key, { [key]: value });
    for (const transport of transports) transport.close();
    await bridge.settled();
    assert.deepEqual([...daemon.meetings.keys()], Object.keys(his));
    assert.deepEqual(daemon.log.filter((line) => line.endsWith('?unused=true')),
      ['DELETE /v1/meetings/mine?unused=true']);
  });

  scenario('a meeting that somebody removes is told again at once', async ({ bridge, daemon, join, warnings }) => {
    await join({ meeting: 'A', participant: 'ann' });
    await bridge.settled();
    for (let i = 0; i < 3; ++i) {
      daemon.removeMeeting('A');
      await waitFor(() => 'A/mediasoup-ann' in daemon.people);
    }
    assert.deepEqual([bridge.status().resyncs, warnings], [1, []]);
  });

  scenario('whoever registers a meeting again keeps it', async ({ bridge, daemon, join }) => {
    const transport = await join({ meeting: 'A', participant: 'ann' });
    await bridge.settled();
    daemon.removeMeeting('A');
    daemon.meetings.set('A', new Map());
    await waitFor(() => 'A/mediasoup-ann' in daemon.people);
    transport.close();
    await bridge.settled();
    assert.ok(daemon.meetings.has('A'));
  });

  scenario('a meeting that it removed and registered again is its own', async ({ bridge, daemon, join }) => {
    for (let i = 0; i < 2; ++i) {
      const transport = await join({ meeting: 'A', participant: 'ann' });
      await bridge.settled();
      if (i > 0) await retold(daemon, join, 'B', { time: NOW(), event: 'meeting_removed', meeting: 'A' });
      transport.close();
      await bridge.settled();
      assert.ok(!daemon.meetings.has('A'));
    }
  });

  scenario('old events, and lines that are none, move nothing', async ({ bridge, daemon, join }) => {
    await join({ meeting: 'A', participant: 'ann' });
    await bridge.settled();
    const removed = { event: 'meeting_removed', meeting: 'A' };
    await retold(daemon, join, 'B', 'no JSON', 'null', '7', '[]', { event: 'meeting_removed', time: NOW(), meeting: 5 },
      { event: 7, time: {}, meeting: [] }, { ...removed, time: '2020-01-01T00:00:00Z' }, { ...removed, time: 'x' },
      removed);
    assert.equal(daemon.log.filter((line) => line.endsWith('/mediasoup-ann')).length, 2, 'missed, and registered');
  });

  scenario('a meeting that somebody else registers meanwhile is not touched', async ({ bridge, daemon, join }) => {
    daemon.appearing = 'A';
    await join({ meeting: 'A', participant: 'ann' });
    await bridge.settled();
    assert.deepEqual(Object.keys(daemon.people), ['A/mediasoup-ann']);
    assert.ok(!daemon.log.includes('PUT /v1/meetings/A'));
  });

  scenario('a transport goes from one to another who is told of first', async ({ bridge, daemon, join }) => {
    const [anns, bobs] = [await join({ meeting: 'A', participant: 'ann' }), await join({})];
    await bridge.settled();
    for (const transport of [bobs, anns]) {
      transport.appData = { meeting: 'A', participant: 'bob' };
      bridge.adopt(transport);
    }
    await bridge.settled();
    assert.deepEqual(daemon.people, { 'A/mediasoup-bob': { ufrags: [...ways(bobs), ...ways(anns)], flows: [] } });
    assert.equal(bridge.status().refused, 0);
  });

  scenario('no meeting is registered that was not to be', async ({ bridge, daemon, join, warnings }) => {
    await join({ meeting: 'A', participant: 'ann' });
    await bridge.settled();
    assert.equal(daemon.meetings.size, 0);
    assert.deepEqual([bridge.status().refused, warnings], [1, []]);
  }, { registerMeetings: false });

  scenario('after restartIce() both ufrags are bound, and never a third', async ({ bridge, daemon, join }) => {
    const transport = await join({ meeting: 'A', participant: 'ann' });
    const bound = () => [...new Set(daemon.people['A/mediasoup-ann'].ufrags.map(({ ufrag }) => ufrag))];
    const given = [transport.iceParameters.usernameFragment];
    for (let i = 0; i < 3; ++i) {
      given.unshift((await transport.restartIce()).usernameFragment);
      await bridge.settled();
      assert.deepEqual(bound(), given.slice(0, 2));
    }
    world.hear(transport, 'iceselectedtuplechange', '203.0.113.10', 5000);
    await bridge.settled();
    assert.deepEqual(bound(), given.slice(0, 2));
  });

  scenario('a plain transport is a flow, as soon as its remote end is known', async ({ bridge, daemon, router }) => {
    const appData = { meeting: 'A', participant: 'ann' };
    const learning = await router.createPlainTransport({ listenInfo: PLAIN, comedia: true, rtcpMux: false, appData });
    assert.deepEqual(bridge.status().unbound, { no_remote_yet: 1 });
    world.hear(learning, 'tuple', '203.0.113.10', 5000);
    world.hear(learning, 'rtcptuple', '203.0.113.10', 5001);
    const told = await router.createPlainTransport({ listenInfo: { ...PLAIN, port: 40002 }, appData });
    await told.connect({ ip: '203.0.113.11', port: 6000 });
    await bridge.settled();
    assert.deepEqual(daemon.people, { 'A/mediasoup-ann': { ufrags: [], flows: [
      { local: `udp:${EDGE}:40000`, remote: '203.0.113.10:5000' },
      { local: `udp:${EDGE}:40001`, remote: '203.0.113.10:5001' },
      { local: `udp:${EDGE}:40002`, remote: '203.0.113.11:6000' }] } });
    assert.deepEqual(bridge.status().unbound, {});
  });

  scenario('who is not certain is not bound, and counted', async ({ bridge, daemon, join, router, warnings }) => {
    const hostile = [{}, { meeting: 'A' }, { participant: 'ann' }, { meeting: {}, participant: 'ann' },
      { meeting: 'A', participant: '' }, { meeting: 'A B', participant: 'ann' }, { meeting: 'A', participant: 'ä' },
      { meeting: 'x'.repeat(129), participant: 'ann' }, { meeting: 'A', participant: 'x'.repeat(128) },
      { meeting: 'A\r\nDELETE', participant: 'ann' }, { meeting: 'A', participant: '\ud800' },
      Object.create({ meeting: 'A', participant: 'ann' })];
    const made = [];
    for (const appData of hostile) made.push(await join(appData));
    await router.createPipeTransport({ listenInfo: PLAIN, appData: { meeting: 'A', participant: 'x' } });
    await bridge.settled();
    assert.deepEqual([daemon.people, warnings], [{}, []]);
    assert.deepEqual(bridge.status().unbound, { no_meeting: 4, no_participant: 1, bad_participant: 4, bad_meeting: 3 });
    for (const transport of made) transport.close();
    assert.deepEqual(bridge.status().unbound, {});
  });

  scenario('an identifier stays within its place of the path', async ({ bridge, daemon, join }) => {
    const ids = ['a/b', '..', '%2e', 'a?b#c', '"\\', '__proto__'];
    for (const id of ids) await join({ meeting: id, participant: id });
    await join({ meeting: 1234, participant: 5 });
    await bridge.settled();
    assert.deepEqual(Object.keys(daemon.people).sort(),
      [...ids.map((id) => `${id}/mediasoup-${id}`), '1234/mediasoup-5'].sort());
  });

  scenario('the meeting may stand in the router', async ({ bridge, daemon, worker }) => {
    const server = await worker.createWebRtcServer({ listenInfos: LISTEN });
    const router = await worker.createRouter({ appData: { meeting: 'R' } });
    await router.createWebRtcTransport({ webRtcServer: server, appData: { participant: 'ann' } });
    await bridge.settled();
    assert.deepEqual(Object.keys(daemon.people), ['R/mediasoup-ann']);
  });

  scenario('another meeting by appData, told by adopt()', async ({ bridge, daemon, join }) => {
    const transport = await join({ meeting: 'A', participant: 'ann' });
    await bridge.settled();
    transport.appData = { meeting: 'B', participant: 'ann' };
    bridge.adopt(transport);
    await bridge.settled();
    assert.deepEqual(Object.keys(daemon.people), ['B/mediasoup-ann']);
  });

  scenario('what was there before is adopted', async ({ bridge, daemon, worker, router, join }) => {
    const old = await join({ meeting: 'A', participant: 'old' });
    bridge.close();
    const late = new Bridge({ socket: daemon.socket });
    try {
      late.adopt(worker).adopt(router).adopt(router).adopt(old, router);
      await join({ meeting: 'A', participant: 'new' });
      await late.settled();
      assert.deepEqual(Object.keys(daemon.people), ['A/mediasoup-old', 'A/mediasoup-new']);
    } finally {
      late.close();
    }
  });

  scenario('everybody leaves with the router', async ({ bridge, daemon, join, router }) => {
    for (const participant of ['ann', 'bob']) await join({ meeting: 'A', participant });
    await bridge.settled();
    router.close();
    await bridge.settled();
    assert.deepEqual([daemon.people, bridge.status().transports], [{}, 0]);
  });

  scenario('the daemon is away, and comes back with another state', async ({ bridge, daemon, join, warnings }) => {
    const gone = await join({ meeting: 'A', participant: 'gone' });
    await join({ meeting: 'A', participant: 'stays' });
    await bridge.settled();
    await daemon.stop({ forgetting: true });
    daemon.meetings.set('A', new Map([['mediasoup-ghost', { ufrags: [] }], ['janus-else', { ufrags: [] }]]));
    daemon.meetings.set('Z', new Map([['mediasoup-ghost', { ufrags: [] }]]));
    gone.close();
    await join({ meeting: 'B', participant: 'came' });
    await daemon.start();
    await bridge.settled();
    assert.deepEqual(Object.keys(daemon.people).sort(), ['A/janus-else', 'A/mediasoup-stays', 'B/mediasoup-came']);
    assert.equal(bridge.status().resyncs, 2);
    assert.ok(warnings.length < 4, 'an outage is told once');
  });

  scenario('a daemon that answers nothing blocks nobody', async ({ bridge, daemon, join }) => {
    await bridge.settled();
    daemon.silent = true;
    for (let i = 0; i < 20; ++i) (await join({ meeting: 'A', participant: `p${i}` })).close();
    await join({ meeting: 'A', participant: 'ann' });
    assert.ok(bridge.status().pending <= 21);
    await daemon.stop();
    daemon.silent = false;
    await daemon.start();
    await bridge.settled();
    assert.deepEqual(Object.keys(daemon.people), ['A/mediasoup-ann']);
  });

  scenario('what is refused is counted, told once without names, and tried again', async (at) => {
    const { bridge, daemon, join, warnings } = at;
    daemon.refusing = 409;
    for (const participant of ['secret-name', 'secret-too']) await join({ meeting: 'A', participant });
    await bridge.settled();
    assert.equal(bridge.status().refused, 2);
    await waitFor(() => bridge.status().refused >= 6);
    assert.deepEqual([warnings.length, bridge.status().resyncs], [1, 1]);
    assert.match(warnings[0], /409/);
    assert.doesNotMatch(warnings[0], /secret|198\.18/);
    daemon.refusing = 503;
    await waitFor(() => warnings.length === 2);
    assert.match(warnings[1], /503/);
    daemon.refusing = null;
    await waitFor(() => Object.keys(daemon.people).length === 2);
    await waitFor(() => bridge.status().pending === 0);
    assert.equal(warnings.length, 2);
  });

  scenario('a meeting that comes later has its people soon', async ({ bridge, daemon, join }) => {
    await join({ meeting: 'A', participant: 'ann' });
    await bridge.settled();
    daemon.meetings.set('A', new Map());
    await waitFor(() => 'A/mediasoup-ann' in daemon.people);
    assert.equal(bridge.status().resyncs, 1);
  }, { registerMeetings: false });

  scenario('of a meeting that is added, who was refused is told at once', async ({ bridge, daemon, join }) => {
    await join({ meeting: 'A', participant: 'ann' });
    await waitFor(() => bridge.status().refused === 2); // all have just been tried again
    const told = performance.now();
    daemon.tell({ time: NOW(), event: 'meeting_added', meeting: 'A' });
    await waitFor(() => bridge.status().refused === 3);
    assert.ok(performance.now() - told < 900, 'not only when all are tried again');
  }, { registerMeetings: false });

  scenario('a daemon that takes no changes is not stormed', async ({ bridge, daemon, join, warnings }) => {
    daemon.forbidding = true;
    await join({ meeting: 'A', participant: 'ann' });
    const begun = performance.now();
    await waitFor(() => bridge.status().resyncs >= 5);
    assert.ok(performance.now() - begun > 1000, 'longer pauses each time');
    assert.equal(warnings.length, 1);
    assert.match(warnings[0], /403/);
  }, { maxPauseMs: 1000 });

  scenario('everything is told anew, however much goes on', async ({ bridge, join }) => {
    const transport = await join({ meeting: 'A', participant: 'ann' });
    await waitFor(() => {
      transport.restartIce();
      return bridge.status().resyncs >= 3;
    });
  }, { resyncSeconds: 0.1 });

  scenario('more changes than are kept: everything is told anew', async ({ bridge, daemon, join }) => {
    await bridge.settled();
    const names = Array.from({ length: 12 }, (_, i) => `p${i}`);
    await Promise.all(names.map((participant) => join({ meeting: 'A', participant })));
    await bridge.settled();
    assert.equal(Object.keys(daemon.people).length, 12);
  }, { maxPending: 2 });

  scenario('nothing is thrown into mediasoup', async ({ bridge, join, warnings }) => {
    bridge.on('warning', () => {
      throw new Error('a listener of warnings');
    });
    const transport = await join({ meeting: 'A', participant: 'ann' });
    transport.close();
    assert.deepEqual([world.thrown, bridge.status().unbound], [[], {}]);
    assert.match(warnings.join(), /identify\(\) has thrown/);
  }, { identify: () => { throw new Error('of the application'); } });

  scenario('a closed bridge hears nothing', async ({ bridge, daemon, join }) => {
    bridge.close();
    const transport = await join({ meeting: 'A', participant: 'ann' });
    assert.ok((await transport.restartIce()).usernameFragment);
    assert.deepEqual([bridge.status().transports, daemon.people], [0, {}]);
  });
}

function ways({ iceParameters: { usernameFragment: ufrag } }) {
  return LISTEN.map(({ protocol }) => ({ endpoint: `${protocol}:${EDGE}:10000`, ufrag }));
}

const NOW = () => new Date().toISOString();

/// What is told of `events` has been read when an event after them has its effect.
async function retold(daemon, join, meeting, ...events) {
  await join({ meeting, participant: 'other' });
  await waitFor(() => `${meeting}/mediasoup-other` in daemon.people);
  daemon.tell(...events);
  daemon.removeMeeting(meeting);
  await waitFor(() => `${meeting}/mediasoup-other` in daemon.people);
}

/// There is no event to wait for.
export async function waitFor(condition) {
  for (const end = Date.now() + PATIENCE_MS; !condition(); await pause(5)) {
    assert.ok(Date.now() < end, `not within ${PATIENCE_MS} ms: ${condition}`);
  }
}
