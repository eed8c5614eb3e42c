import { appendFile, mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { Environment } from './environment.ts'
import type { BenchOptions } from './options.ts'
import type { Row } from './summary.ts'
import { isMet, type Target } from './targets.ts'

const columns = [
  'case',
  'req/s',
  '÷ bare',
  'p50 ms',
  'p99 ms',
  'gateway CPU µs',
  'least–most',
  '÷ bare',
  'Redis CPU µs',
]

const targetColumns = ['target', 'at most', 'measured', 'least–most', 'met']

/** One run as Markdown: a heading, what it ran on, the table, the targets. */
export function report(
  rows: readonly Row[],
  targets: readonly Target[],
  environment: Environment,
  options: BenchOptions,
): string {
  const { at, commit, machine, versions } = environment
  const { rounds, seconds, connections, users } = options
  return [
    `## ${at.toISOString().slice(0, 16).replace('T', ' ')} UTC, commit ${commit}`,
    '',
    `${machine}. ${versions.join(', ')}.`,
    '',
    `Medians of ${rounds} ${rounds === 1 ? 'round' : 'rounds'} of ${seconds} s, ${connections} connections, ${users} users.`,
    '',
    ...table(columns, rows.map(cells)),
    '',
    ...table(targetColumns, targets.map(targetCells)),
    '',
  ].join('\n')
}

function cells({ name, requestsPerSecond, p50Ms, p99Ms, gateway, ratio }: Row): string[] {
  return [
    name,
    requestsPerSecond.toFixed(0),
    figure(ratio?.requestsPerSecond, 2),
    p50Ms.toFixed(2),
    p99Ms.toFixed(2),
    figure(gateway?.cpuUs, 1),
    gateway ? `${gateway.leastCpuUs.toFixed(1)}–${gateway.mostCpuUs.toFixed(1)}` : '–',
    figure(ratio?.cpu, 2),
    figure(gateway?.redisCpuUs, 1),
  ]
}

function targetCells(target: Target): string[] {
  const { promise, most, digits, measured } = target
  const range = measured ? `${measured.least.toFixed(digits)}–${measured.most.toFixed(digits)}` : '–'
  return [promise, String(most), figure(measured?.median, digits), range, isMet(target)]
}

function table(heads: readonly string[], rows: readonly string[][]): string[] {
  const rule = heads.map((_head, index) => (index === 0 ? '---' : '--:'))
  return [heads, rule, ...rows].map(tableRow)
}

const figure = (value: number | null | undefined, digits: number): string => value?.toFixed(digits) ?? '–'
const tableRow = (texts: readonly string[]): string => `| ${texts.join(' | ')} |`

/**
 * Adds a run to the file of its day.
 *
 * @returns the file's path
 */
export async function save(folder: string, at: Date, text: string): Promise<string> {
  await mkdir(folder, { recursive: true })
  const file = join(folder, `${at.toISOString().slice(0, 10)}.md`)
  await appendFile(file, `${text}\n`)
  return file
}
