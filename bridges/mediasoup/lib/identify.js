// SPDX-License-Identifier: Apache-2.0
// Whose a transport is. Whoever is not certain is nobody: a wrong binding cuts off the wrong person.

const MOST_BYTES = 128;
const IDENTIFIER = new RegExp(`^[\\x21-\\x7e]{1,${MOST_BYTES}}$`);

/// The default: keys of the transport's appData; the meeting may stand in its router's instead.
export function byAppData({ meeting = 'meeting', participant = 'participant' } = {}) {
  return (transport, router) => ({
    meeting: own(transport.appData, meeting) ?? own(router?.appData, meeting),
    participant: own(transport.appData, participant),
  });
}

/// {place: {meeting, participant}}, or {unbound: reason}.
export function placeOf(found, prefix) {
  if (found === null || found === undefined) return { unbound: 'unidentified' };
  const meeting = textOf(found.meeting);
  const participant = textOf(found.participant);
  if (meeting === null) return { unbound: 'no_meeting' };
  if (participant === null) return { unbound: 'no_participant' };
  if (!IDENTIFIER.test(meeting)) return { unbound: 'bad_meeting' };
  if (participant === '' || !IDENTIFIER.test(prefix + participant)) return { unbound: 'bad_participant' };
  return { place: { meeting, participant: prefix + participant } };
}

function own(object, key) {
  return object !== null && typeof object === 'object' && Object.hasOwn(object, key) ? object[key] : undefined;
}

// Many platforms number their rooms.
function textOf(value) {
  if (typeof value === 'string') return value;
  return Number.isSafeInteger(value) ? String(value) : null;
}
