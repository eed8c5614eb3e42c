// npm run bench: what the gateway costs. README.md says how it measures and what the columns mean.
import { mkdir } from 'node:fs/promises'
import { cases, yardstick } from './cases.ts'
import { readEnvironment } from './environment.ts'
import { type Figures, measure } from './measure.ts'
import { type BenchOptions, readOptions, usage } from './options.ts'
import { missingOf, type PeerName } from './peers.ts'
import { report, save } from './report.ts'
import { setStage } from './stage.ts'
import { summarise } from './summary.ts'
import { targetsOf } from './targets.ts'
import { windowBytes } from './windows.ts'

async function bench(options: BenchOptions): Promise<void> {
  const wanted = cases.filter(({ name, peer }) => options.only.includes(name) && canRun(peer))
  if (options.profile !== null) await mkdir(options.profile, { recursive: true })
  progress(`starting Redis, the stub and the gateway; ${options.users} users log in`)
  await using stage = await setStage(wanted, options)
  const environment = await readEnvironment(stage.redisUrl)
  const figures = new Map<string, Figures[]>(wanted.map(({ name }) => [name, []]))
  progress('round 0, not counted: the gateway compiles its code')
  for (const benchCase of wanted) {
    // Long enough for an answer beside a flood on a busy machine.
    await measure(benchCase, 0, stage, { ...options, seconds: Math.max(1, options.warmUpSeconds) })
  }
  for (let round = 1; round <= options.rounds; round++) {
    // Every case in every round, so that a machine that grows slower slows all of them; to and fro, so that it does
    // not slow the last of the row most.
    for (const benchCase of round % 2 === 1 ? wanted : wanted.toReversed()) {
      const measured = await measure(benchCase, round, stage, options)
      figures.get(benchCase.name)?.push(measured)
      progress(`round ${round}, ${benchCase.name}: ${measured.requestsPerSecond.toFixed(0)} req/s`)
    }
  }
  await stage.stopGateway()
  // Their windows are full, by calls.
  const spent = wanted.find(({ deniedBy }) => deniedBy === 'memory')
  const targets = targetsOf(figures, spent ? await windowBytes(spent, stage) : null)
  const text = report(summarise(figures, yardstick), targets, environment, options)
  console.log(text)
  if (options.results !== null) progress(`added to ${await save(options.results, environment.at, text)}`)
}

/** Says so when a peer has to be left out. */
function canRun(peer: PeerName | undefined): boolean {
  const missing = peer === undefined ? null : missingOf(peer)
  if (missing !== null) progress(`without ${peer}: install ${missing}`)
  return missing === null
}

const progress = (line: string): void => void process.stderr.write(`${line}\n`)

async function main(args: string[]): Promise<number> {
  if (args.includes('--help')) {
    process.stdout.write(usage)
    return 0
  }
  let options: BenchOptions
  try {
    options = readOptions(args)
  } catch (error) {
    progress(`${(error as Error).message}\n\n${usage}`)
    return 64
  }
  try {
    await bench(options)
    return 0
  } catch (error) {
    progress(`no figures: ${(error as Error).message}`)
    return 1
  }
}

process.exitCode = await main(process.argv.slice(2))
