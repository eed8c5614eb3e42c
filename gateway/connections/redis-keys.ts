import { createHash } from 'node:crypto'

/**
 * Every key name in Redis. What belongs to one subject (`u:42`, `a:192.0.2.7`) shares the hash tag
 * `{subject}`, so that a cluster keeps it on one slot and one script may touch all of it.
 */
export const sessionKey = (accountId: string, sessionId: string): string =>
  `guichet:{${hashTag(`u:${accountId}`)}}:session:${sessionId}`

/** Sorted set of the account's session ids by expiry in milliseconds. */
export const accountSessionsKey = (accountId: string): string =>
  `guichet:{${hashTag(`u:${accountId}`)}}:sessions`

/** Sorted set of all live sessions by expiry, for the gauge. */
export const liveSessionsKey = 'guichet:sessions'

/** What counts a window's calls: a list of times in microseconds, newest first, or what its algorithm needs. */
export const windowKey = (subject: string, bucket: string): string => `${ofSubject(subject)}:window:${bucket}`

/** Hash of what changes the window for a while: boost and ban. */
export const adjustmentKey = (subject: string, bucket: string): string =>
  `${ofSubject(subject)}:adjustment:${bucket}`

/** Says that a refund or a charge was made. */
export const settledKey = (subject: string, settlement: string): string =>
  `${ofSubject(subject)}:settled:${settlement}`

/** Hash of the attempts to log in to an account (`l:<e-mail>`), or from an address, that have failed. */
export const loginAttemptsKey = (subject: string): string => `guichet:{${hashTag(subject)}}:attempts`

/** Written to learn whether a store takes writes; several, so that they lie on many nodes of a cluster. */
export const probeKey = (index: number): string => `guichet:{probe-${index}}`

/** Where gateways tell each other about limits. */
export const limitNewsChannel = 'guichet:limits'

export const hitsKey = {
  services: 'guichet:{hits}:services',
  accounts: 'guichet:{hits}:accounts',
  recent: 'guichet:{hits}:recent',
  /** The last batch counted from one gateway process. */
  sender: (sender: string): string => `guichet:{hits}:sender:${sender}`,
}

/** Answers of apps, what groups them and what was purged of late; digests, since addresses may be long. */
export const cacheKey = {
  entry: (key: string): string => `guichet:cache:entry:${digest(key)}`,
  group: (group: string): string => `guichet:cache:group:${digest(group)}`,
  purged: (group: string): string => `guichet:cache:purged:${digest(group)}`,
}

const digest = (text: string): string => createHash('sha256').update(text).digest('base64url')

const plainSubject = /^[a-z]:[\w.:@+-]{1,80}$/

/**
 * A subject as a key may hold it: short, and free of the braces that delimit a hash tag. Anything
 * else is hashed; `#` keeps a hash apart from every plain subject.
 */
function hashTag(subject: string): string {
  if (subject !== lastTagged) {
    lastTag = plainSubject.test(subject) ? subject : `${subject.charAt(0)}#${digest(subject)}`
    lastTagged = subject
  }
  return lastTag
}

/** A call's keys are made one after the other: its session's, then those of its windows. */
let lastTagged = ''
let lastTag = ''

/** The tag that all keys of this subject share, braces included: what has the same lies on one slot. */
export const subjectTag = (subject: string): string =>
  `{${hashTag(subject.includes('+') ? subject.slice(0, subject.indexOf('+')) : subject)}}`

let lastSubject = ''
let lastPrefix = ''

/**
 * A subject of several parts (`u:42+r:user`) lives under the tag of its first, beside what else belongs
 * to that one. The last one is remembered: a call's keys are made one after the other.
 */
function ofSubject(subject: string): string {
  if (subject !== lastSubject) {
    const end = subject.indexOf('+')
    lastPrefix =
      end === -1
        ? `guichet:{${hashTag(subject)}}`
        : `guichet:{${hashTag(subject.slice(0, end))}}:${hashTag(subject.slice(end + 1))}`
    lastSubject = subject
  }
  return lastPrefix
}
