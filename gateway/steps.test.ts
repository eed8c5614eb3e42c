import fastify, { type FastifyInstance } from 'fastify'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { type Step, walk } from './steps.ts'

let app: FastifyInstance
let taken: string[]

beforeEach(() => {
  app = fastify()
  taken = []
})
afterEach(() => app.close())

async function take(...steps: Step[]) {
  const noting = steps.map(
    (step, at): Step =>
      (request, reply) => {
        taken.push(String(at))
        return step(request, reply)
      },
  )
  app.addHook('onRequest', walk(noting))
  app.get('/', () => 'handled')
  const { statusCode, body } = await app.inject('/')
  return { statusCode, body, taken: taken.join() }
}

it('each step waits for the one before it, and the handler for all', async () => {
  const steps = [
    () => undefined,
    () => new Promise(setImmediate).then(() => taken.push('waited')),
    () => 'ignored',
  ]
  expect(await take(...steps)).toEqual({ statusCode: 200, body: 'handled', taken: '0,1,waited,2' })
})

it.each<[string, Step]>([
  [
    'throws',
    () => {
      throw new Error('refused')
    },
  ],
  ['rejects', () => Promise.reject(new Error('refused'))],
])('a step that %s is the last, and its error the answer', async (_how, refuse) => {
  const { statusCode, body, taken } = await take(refuse, () => undefined)
  expect([statusCode, JSON.parse(body).message, taken]).toEqual([500, 'refused', '0'])
})

it.each<[string, Step]>([
  ['rejects with nothing', () => Promise.reject()],
  [
    'throws nothing',
    () => {
      throw undefined
    },
  ],
])('a step that %s lets nobody pass', async (_how, refuse) => {
  expect(await take(refuse, () => undefined)).toMatchObject({ statusCode: 500, taken: '0' })
})

it.each<[string, Step]>([
  ['has answered', (_request, reply) => void reply.send('answered')],
  [
    'answers later',
    (_request, reply) => {
      setImmediate(() => reply.send('answered'))
      return reply
    },
  ],
  ['waits and answers', async (_request, reply) => reply.send('answered')],
  [
    'takes the response over',
    async (_request, reply) => {
      reply.hijack()
      setImmediate(() => reply.raw.end('answered'))
    },
  ],
])('a step that %s is the last', async (_how, answer) => {
  expect(await take(answer, () => undefined)).toEqual({ statusCode: 200, body: 'answered', taken: '0' })
})
