import type { Redis } from 'ioredis'
import type { Admission, AdmissionRequest, AdmissionStore } from './admission.ts'
import { createAdmissionBatch } from './admission-batch.ts'
import { defineAdmissionScripts, type RedisAdmissionOptions } from './admission-scripts.redis.ts'
import { createSendPace } from './send-pace.ts'

/**
 * Admission in Redis, with its clock. Calls that arrive in one turn of the event loop, or while another
 * script is under way, share one EVALSHA, in their order. The connection's command timeout is the deadline of every call.
 */
export function createRedisAdmission(redis: Redis, options: RedisAdmissionOptions = {}): AdmissionStore {
  const scripts = defineAdmissionScripts(redis, options)
  // An empty batch, so that the text does not come with the first calls.
  if (redis.status === 'ready') scripts.sendText()
  redis.on('ready', scripts.sendText)
  let batch = createAdmissionBatch(scripts)
  const gather = createSendPace(() => {
    const sending = batch
    batch = createAdmissionBatch(scripts)
    return sending.send()
  })

  const ask = (request: AdmissionRequest, purpose: 'count' | 'look'): Promise<Admission> => {
    if (batch.isEmpty()) gather()
    return batch.add({ request, purpose })
  }

  return {
    ...scripts,
    admit: (request) => ask(request, 'count'),
    look: (request) => ask(request, 'look'),
  }
}
