import { createHmac } from 'node:crypto'
import { RecentMap } from '../recent-map.ts'

/**
 * Names a subject to its own caller without saying who it is: 9 bytes of an HMAC, base64. A bare hash
 * of an account number could be guessed by counting.
 */
export function createPartitionKeys(secret: string | Buffer): (subject: string) => string {
  const known = new RecentMap<string, string>(10_000)
  return function partitionKey(subject) {
    let key = known.get(subject)
    if (key === undefined) {
      key = createHmac('sha256', secret).update(subject).digest().subarray(0, 9).toString('base64')
      known.set(subject, key)
    }
    return key
  }
}
