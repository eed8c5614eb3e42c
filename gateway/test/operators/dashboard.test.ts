import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { parse, stringify } from 'yaml'
import { expressions, readDashboard, shownPanels } from './dashboard.ts'
import { promisedMetrics, promisedSeries } from './promised-metrics.ts'
import { unpromised } from './promql.ts'
import { promtool } from './promtool.ts'
import { readText } from './repository.ts'
import '../servers/no-leaks.ts'

const dashboard = readDashboard()
const panels = shownPanels(dashboard)
const allExpressions = panels.flatMap((panel) => expressions(panel))
let folder: string

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'guichet-dashboard-'))
})
afterAll(() => rm(folder, { recursive: true, force: true }))

describe.each(panels)('panel $id "$title"', (panel) => {
  test('asks the chosen data source for something, and says what it shows', () => {
    expect(panel.targets?.length).toBeGreaterThan(0)
    expect(panel.targets?.every(({ expr }) => expr.trim() !== '')).toBe(true)
    expect(panel.datasource?.uid).toBe('$' + '{datasource}')
    expect(panel.description).toMatch(/\.$/)
  })

  test('names promised series and labels only', () => {
    expect(expressions(panel).flatMap(unpromised)).toEqual([])
  })

  test('names its lines by labels that the expression keeps', () => {
    for (const { expr, legendFormat = '' } of panel.targets ?? []) {
      const kept = /\bby \(/.test(expr)
        ? [...expr.matchAll(/\bby \(([^)]*)\)/g)].flatMap(([, labels = '']) => labels.split(', '))
        : [...promisedSeries].filter(([name]) => expr.includes(name)).flatMap(([, labels]) => labels)
      for (const [, label] of legendFormat.matchAll(/\{\{(\w+)\}\}/g)) expect(kept).toContain(label)
    }
  })

  test('leaves Prometheus no variable of Grafana to stumble over', () => {
    expect(expressions(panel).filter((expr) => expr.includes('$'))).toEqual([])
  })
})

test('Prometheus accepts every expression', async () => {
  const rules = allExpressions.map((expr, index) => ({ record: `panel:${index}`, expr }))
  await writeFile(join(folder, 'panels.yml'), stringify({ groups: [{ name: 'panels', rules }] }))
  const output = await promtool(folder, 'check', 'rules', 'panels.yml')
  expect(output).toContain(`${allExpressions.length} rules found`)
})

test('every promised metric has a place on the dashboard', () => {
  const asked = allExpressions.join('\n')
  const names = promisedMetrics.map(({ name }) => name)
  expect(names.filter((name) => !asked.includes(name))).toEqual([])
  expect(names.length).toBeGreaterThan(20)
})

test('panels have ids of their own and neither overlap nor leave the grid', () => {
  expect(new Set(dashboard.panels.map(({ id }) => id)).size).toBe(dashboard.panels.length)
  const taken = new Map<string, string>()
  for (const { title, gridPos } of dashboard.panels) {
    expect(gridPos.x + gridPos.w, title).toBeLessThanOrEqual(24)
    for (let x = gridPos.x; x < gridPos.x + gridPos.w; x++) {
      for (let y = gridPos.y; y < gridPos.y + gridPos.h; y++) {
        expect(taken.get(`${x},${y}`), `"${title}" covers`).toBeUndefined()
        taken.set(`${x},${y}`, title)
      }
    }
  }
})

test('Grafana finds it under a stable address, with a data source to choose', () => {
  expect(dashboard.uid).toBe('guichet')
  expect(dashboard.schemaVersion).toBeGreaterThanOrEqual(39)
  expect(dashboard.templating.list).toMatchObject([{ name: 'datasource', type: 'datasource' }])
})

test('the provisioned data source knows how often Prometheus scrapes, and the dashboard starts on it', () => {
  const provisioned = parse(readText('grafana/provisioning/datasources/prometheus.yml')).datasources[0]
  const scraped = parse(readText('config/prometheus.yml')).global.scrape_interval
  expect(provisioned.jsonData.timeInterval).toBe(scraped)
  expect(dashboard.templating.list).toMatchObject([{ current: { value: provisioned.uid } }])
})
