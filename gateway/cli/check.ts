import { formatProblem, loadConfig } from '../config/load.ts'

const usage = 'usage: guichet check FILE (such as: guichet check config/gateway.yaml)'

/**
 * `guichet check FILE`: prints every problem of a configuration, one a line, on standard error.
 * Exit codes as in sysexits.h: 0 sound, 78 problems, 64 called wrongly.
 */
export async function check(args: string[]): Promise<number> {
  const [file, ...others] = args
  if (file === undefined || file.startsWith('-') || others.length > 0) {
    console.error(usage)
    return 64
  }
  const result = loadConfig(file)
  if (result.kind === 'loaded') {
    const { routes, policies, upstreams, workers } = result.config
    console.log(
      `${file}: sound (routes: ${routes.length}, policies: ${policies.length}, upstreams: ${upstreams.length}, workers: ${workers})`,
    )
    return 0
  }
  for (const problem of result.problems) console.error(formatProblem(problem))
  const count = result.problems.length
  console.error(`${count} ${count === 1 ? 'problem' : 'problems'}; nothing was started`)
  return 78
}
