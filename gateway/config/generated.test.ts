import { readFileSync } from 'node:fs'
import { Compile } from 'typebox/schema'
import { describe, expect, test } from 'vitest'
import { parse } from 'yaml'
import { jsonSchema } from './json-schema.ts'
import type { SchemaView } from './keys.ts'
import { referencePage } from './reference.ts'
import { configSchema } from './schema.ts'

test('config/gateway.schema.json is what the schema generates (npm run schema)', () => {
  expect(JSON.parse(readFileSync('config/gateway.schema.json', 'utf8'))).toEqual(jsonSchema())
})

test('REFERENCE.md is what the schema generates (npx guichet schema --write gateway/config/REFERENCE.md)', () => {
  expect(readFileSync('gateway/config/REFERENCE.md', 'utf8')).toBe(referencePage())
})

test('every key has a description', () => {
  const silent = (schema: SchemaView, path: string): string[] => [
    ...(schema.description ? [] : [path]),
    ...Object.entries({ ...schema.properties, ...schema.patternProperties }).flatMap(([key, known]) =>
      silent(known, `${path}.${key}`),
    ),
    ...(schema.items ? silent(schema.items, `${path}[]`) : []),
  ]
  expect(silent(configSchema as SchemaView, '')).toEqual([])
})

describe('an editor with the JSON Schema', () => {
  const schema = Compile(jsonSchema())
  const check = (text: string) => schema.Check(parse(text))
  const rest = 'upstreams: { app: { url: "http://a" } }\nroutes: [{ path: /, upstream: app }]\n'

  test.each(['config/gateway.yaml', 'config/demo.yaml'])('accepts %s', (file) => {
    expect(check(readFileSync(file, 'utf8'))).toBe(true)
  })

  test.each([
    'log: { level: "$' + '{LOG}" }',
    'listen: { port: 1, trustedProxies: ["::1"] }',
    'policies: { a: { quota: 1, per: 10m } }',
    'policies: { a: { quota: 1, algorithm: concurrent, by: [user, "header:x-key"], quotas: { gold: 2 } } }',
    'policies: { a: { quota: 1, per: 10m, refund: [502, cached], ban: { afterDenials: 9 } } }',
  ])('accepts %s', (text) => {
    expect(check(`${text}\n${rest}`)).toBe(true)
  })

  test.each([
    'lisen: {}',
    'listen: { prot: 1 }',
    'listen: { port: 70000 }',
    'log: { level: loud }',
    'policies: { a: { quota: 1, per: 600 } }',
    'policies: { A: { quota: 1, per: 10m } }',
    'policies: { a: { per: 10m } }',
    'policies: { a: { quota: 1, per: 10m, by: planet } }',
    'policies: { a: { quota: 1, per: 10m, refund: [500] } }',
    'stores: { sessions: memcached://a }',
  ])('marks %s', (text) => {
    expect(check(`${text}\n${rest}`)).toBe(false)
  })
})
