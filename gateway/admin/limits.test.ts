import fastify from 'fastify'
import { expect, onTestFinished, test } from 'vitest'
import { GatewayError } from '../errors.ts'
import type { SubjectLimits } from '../limiting/subject-limits.ts'
import type { AuditEntry, AuditTrail } from './audit.ts'
import { limitsRoutes } from './limits.routes.ts'

interface Changes {
  readonly limits?: Partial<SubjectLimits>
  readonly audit?: Partial<AuditTrail>
}

/** The routes over limits and a trail that note what they were told, in order. */
async function open({ limits, audit }: Changes = {}) {
  const told: string[] = []
  const entries: AuditEntry[] = []
  const app = fastify()
  onTestFinished(() => app.close())
  app.setErrorHandler<GatewayError>((error, _request, reply) =>
    reply.code(error.status).send({ code: error.code, detail: error.message }),
  )
  limitsRoutes(app, {
    limits: {
      find: async (subject) => ({ subject, account: null }),
      show: async () => [],
      check: () => {},
      async reset() {
        told.push('reset')
        return ['calls']
      },
      async boost() {
        told.push('boost')
        return ['calls']
      },
      ...limits,
    },
    audit: {
      record: async (entry) => {
        told.push('entry')
        entries.push(entry)
      },
      recent: async () => entries,
      ...audit,
    },
    changed: ({ action }) => void told.push(`log ${action}`),
  })
  return { app, told, entries }
}

const boost = { policy: 'calls', quota: 5, forSeconds: 60, reason: ' exam ' }

test('a change is entered and logged before it is made', async () => {
  const { app, told, entries } = await open()
  await app.inject({ method: 'DELETE', url: '/api/limits/u:42' })
  await app.inject({ method: 'PUT', url: '/api/limits/u:42/boost', payload: boost })
  expect(told).toEqual(['entry', 'log reset', 'reset', 'entry', 'log boost', 'boost'])
  expect(entries[1]).toMatchObject({ subject: 'u:42', policy: 'calls', quota: 5, reason: 'exam' })
})

test('nothing is changed while the trail cannot be written', async () => {
  const away = () => Promise.reject(new Error('connect ECONNREFUSED 10.0.0.7:3306'))
  const { app, told } = await open({ audit: { record: away, recent: away } })
  const answers = [
    await app.inject({ method: 'DELETE', url: '/api/limits/u:42' }),
    await app.inject({ method: 'PUT', url: '/api/limits/u:42/boost', payload: boost }),
    await app.inject({ url: '/api/audit' }),
  ]
  for (const answer of answers) {
    expect(answer.statusCode).toBe(503)
    expect(answer.json().detail).toMatch(/\/readyz/)
    expect(answer.body).not.toContain('10.0.0.7')
  }
  expect(told).toEqual([])
})

test('a change that the store did not take is 503, and its entry stays', async () => {
  const reset = () => Promise.reject(new GatewayError('store-unavailable'))
  const { app, entries } = await open({ limits: { reset } })
  const answer = await app.inject({ method: 'DELETE', url: '/api/limits/u:42?policy=calls' })
  expect(answer.statusCode).toBe(503)
  expect(entries).toMatchObject([{ action: 'reset', policy: 'calls' }])
})

test('what names nobody, or no policy of theirs, leaves no entry', async () => {
  const refuse = (): never => {
    throw new GatewayError('invalid-request')
  }
  for (const limits of [{ find: async () => refuse() }, { check: refuse }]) {
    const { app, told } = await open({ limits })
    const answers = [
      await app.inject({ method: 'DELETE', url: '/api/limits/u:42?policy=x' }),
      await app.inject({ method: 'PUT', url: '/api/limits/u:42/boost', payload: boost }),
    ]
    expect(answers.map(({ statusCode }) => statusCode)).toEqual([400, 400])
    expect(told).toEqual([])
  }
})
