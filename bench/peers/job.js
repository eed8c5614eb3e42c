// What every peer is told, and how it says that it listens.
import { readFileSync } from 'node:fs'

/** `{ upstreamUrl, redisUrl, secret, quota, windowSeconds, port }`, from the file named on the command line. */
export const job = JSON.parse(readFileSync(process.argv[2], 'utf8'))

/** @param pid of whose processor time counts; our own unless told */
export function listening({ pid = process.pid } = {}) {
  console.log(JSON.stringify({ event: 'listening', url: `http://127.0.0.1:${job.port}`, pid }))
}
