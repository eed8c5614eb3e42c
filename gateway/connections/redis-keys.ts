/**
 * Every key name in Redis. What belongs to one subject (`u:42`, `a:192.0.2.7`) shares the hash tag
 * `{subject}`, so that a cluster keeps it on one slot and one script may touch all of it.
 * Subjects come from `limiting/subject.ts` and never contain a brace.
 */
export const userSubject = (accountId: string): string => `u:${accountId}`

export const sessionKey = (accountId: string, sessionId: string): string =>
  `guichet:{${userSubject(accountId)}}:session:${sessionId}`

/** Set of the account's session ids. */
export const accountSessionsKey = (accountId: string): string =>
  `guichet:{${userSubject(accountId)}}:sessions`

/** Sorted set of all live sessions by expiry, for the gauge. */
export const liveSessionsKey = 'guichet:sessions'

export const windowKey = (subject: string, policy: string): string => `guichet:{${subject}}:window:${policy}`

export const hitsKey = {
  services: 'guichet:{hits}:services',
  accounts: 'guichet:{hits}:accounts',
  recent: 'guichet:{hits}:recent',
  batch: (batchId: string): string => `guichet:{hits}:batch:${batchId}`,
}
