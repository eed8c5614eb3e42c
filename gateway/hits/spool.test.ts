import { expect, test } from 'vitest'
import { hitAt } from './hits.contract.ts'
import { createSpool } from './spool.ts'

test('a full spool keeps every count and lets go of the oldest details only', () => {
  const spool = createSpool(10)
  let dropped = 0
  for (let i = 0; i < 25; i++) {
    dropped += spool.push(hitAt(i, { accountId: i % 3 === 0 ? null : String(i % 3), service: `s${i % 2}` }))
  }
  expect(spool.size).toBe(25)
  expect(dropped).toBe(15)

  let calls = 0
  const services: Record<string, number> = {}
  const accounts: Record<string, number> = {}
  const details = []
  while (spool.size > 0) {
    const part = spool.take(1)
    calls += part.calls
    for (const { service, calls } of part.services) services[service] = (services[service] ?? 0) + calls
    for (const { accountId, calls } of part.accounts) accounts[accountId] = (accounts[accountId] ?? 0) + calls
    details.push(...part.recent)
  }
  expect(calls).toBe(25)
  expect(services).toEqual({ s0: 13, s1: 12 })
  expect(accounts).toEqual({ 1: 8, 2: 8 })
  expect(details.map((hit) => hit.atMs)).toEqual([15, 16, 17, 18, 19, 20, 21, 22, 23, 24])
})

test('calls without an account are taken too', () => {
  const spool = createSpool(1)
  for (let i = 0; i < 3; i++) spool.push(hitAt(i, { accountId: null }))
  expect(spool.take(10)).toMatchObject({ calls: 2, services: [{ service: 'vente', calls: 2 }], accounts: [] })
  expect(spool.take(10)).toMatchObject({ calls: 1, recent: [hitAt(2, { accountId: null })] })
  expect(spool.size).toBe(0)
})

test('calls of other issuers’ accounts are counted for the service, and ranked nowhere', () => {
  const spool = createSpool(1)
  for (let i = 0; i < 3; i++) spool.push(hitAt(i, { accountId: `campus:${i}` }))
  expect(spool.take(10)).toMatchObject({ calls: 2, services: [{ service: 'vente', calls: 2 }], accounts: [] })
})
