// SPDX-License-Identifier: Apache-2.0
// What of a transport is seen on the wire, in the words of the daemon: {ufrags, flows}, or {unbound: reason}.
import { isIP } from 'node:net';

const NO_ADDRESS = { unbound: 'no_local_address' };

/// 'webrtc', 'plain', or what carries no person: 'pipe', 'direct'. Older versions have no `type`.
export function kindOf(transport) {
  if (typeof transport.type === 'string') return transport.type;
  if (transport.iceParameters !== undefined) return 'webrtc';
  return 'rtcpTuple' in transport && transport.tuple !== undefined ? 'plain' : 'other';
}

/// `where`: {addresses: Map of announced → local, anyAddress}.
export function bindingsOf(transport, ufrags, where) {
  return kindOf(transport) === 'webrtc' ? webRtc(transport.iceCandidates, ufrags, where)
    : plain([transport.tuple, transport.rtcpTuple], where);
}

/// The ufrags that the worker takes, the newest first: beside it the one before it, until the client has used
/// the newest, which nobody is told of.
export function afterRestart(ufrags, current) {
  return [current, ...ufrags.filter((ufrag) => ufrag !== current)].slice(0, 2);
}

function webRtc(candidates, ufrags, where) {
  const ends = new Set();
  for (const { address, ip, protocol, port } of candidates ?? []) {
    const host = hostOf(address ?? ip, where);
    if (host !== null) ends.add(`${protocol}:${host}:${port}`);
  }
  if (ends.size === 0) return NO_ADDRESS;
  return { ufrags: ufrags.flatMap((ufrag) => [...ends].map((endpoint) => ({ endpoint, ufrag }))), flows: [] };
}

// A flow has one local address: '*' does not do.
function plain(tuples, where) {
  const known = tuples.filter((tuple) => tuple?.remoteIp && tuple.remotePort);
  if (known.length === 0) return { unbound: 'no_remote_yet' };
  const flows = known.flatMap(({ localAddress, localIp, localPort, remoteIp, remotePort, protocol }) => {
    const local = hostOf(localAddress ?? localIp, { ...where, anyAddress: false });
    if (local === null || local === '*') return [];
    return [{ local: `${protocol}:${local}:${localPort}`, remote: `${bracketed(remoteIp)}:${remotePort}` }];
  });
  return flows.length === 0 ? NO_ADDRESS : { ufrags: [], flows };
}

// null: what is announced is a name, and nobody said which address stands behind it.
function hostOf(announced, { addresses, anyAddress }) {
  const local = addresses.get(announced) ?? announced;
  if (anyAddress || local === '0.0.0.0' || local === '::') return '*';
  return isIP(local) && !local.includes('%') ? bracketed(local) : null;
}

function bracketed(address) {
  return isIP(address) === 6 ? `[${address}]` : address;
}
