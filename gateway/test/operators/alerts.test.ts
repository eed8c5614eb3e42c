import { copyFile, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { parse } from 'yaml'
import { readDashboard } from './dashboard.ts'
import { unpromised } from './promql.ts'
import { promtool } from './promtool.ts'
import { readText, root } from './repository.ts'
import '../servers/no-leaks.ts'

interface Alert {
  readonly alert: string
  readonly expr: string
  readonly labels: { readonly severity: string }
  readonly annotations: { readonly summary: string; readonly action: string }
}

interface RuleTest {
  readonly alert_rule_test?: { readonly alertname: string; readonly exp_alerts: unknown[] }[]
  readonly promql_expr_test?: { readonly exp_samples?: { readonly labels: string }[] }[]
}

const alerts: Alert[] = parse(readText('config/alerts.yml')).groups.flatMap(
  ({ rules }: { rules: Alert[] }) => rules,
)
const numbers = 'gateway/test/operators/alerts.promtool.yml'
let folder: string

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'guichet-alerts-'))
  for (const path of ['config/prometheus.yml', 'config/alerts.yml', numbers]) {
    await copyFile(join(root, path), join(folder, path.split('/').at(-1) ?? path))
  }
  await writeFile(join(folder, 'admin-token'), 'secret')
})
afterAll(() => rm(folder, { recursive: true, force: true }))

test('Prometheus accepts its configuration and the alerts it loads', async () => {
  const output = await promtool(folder, 'check', 'config', 'prometheus.yml')
  expect(output).toContain(`${alerts.length} rules found`)
})

test('alerts fire on the numbers that must wake someone, and on no others', async () => {
  await promtool(folder, 'test', 'rules', 'alerts.promtool.yml')
})

test('every alert is seen firing once', () => {
  const cases: RuleTest[] = parse(readText(numbers)).tests
  const fired = cases.flatMap((each) => [
    ...(each.alert_rule_test ?? []).filter((it) => it.exp_alerts.length > 0).map((it) => it.alertname),
    ...(each.promql_expr_test ?? []).flatMap((it) => (it.exp_samples ?? []).map(({ labels }) => labels)),
  ])
  const silent = alerts.filter(({ alert }) => !fired.some((text) => text.includes(alert)))
  expect(silent.map(({ alert }) => alert)).toEqual([])
})

describe.each(alerts)('$alert', (alert) => {
  test('says how grave it is, what happened and what to do', () => {
    expect(['warning', 'critical']).toContain(alert.labels.severity)
    expect(alert.annotations.summary).toMatch(/\.$/)
    expect(alert.annotations.action).toMatch(/\.$/)
  })

  test('names promised series and labels only', () => {
    expect(unpromised(alert.expr)).toEqual([])
  })

  test('points to panels that exist', () => {
    const titles = readDashboard().panels.map(({ title }) => title)
    const quoted = [...alert.annotations.action.matchAll(/"([^"]+)"/g)].map(([, title = '']) => title)
    expect(quoted.filter((title) => !titles.some((known) => known.startsWith(title)))).toEqual([])
  })
})
