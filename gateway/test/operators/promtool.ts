import { execFile } from 'node:child_process'
import { promisify } from 'node:util'

const run = promisify(execFile)

/**
 * Runs promtool in a folder and resolves with what it wrote.
 *
 * @throws Error with promtool's own words when it finds a fault; with the cure when it is not installed.
 */
export async function promtool(folder: string, ...args: string[]): Promise<string> {
  return runPromtool(args, { cwd: folder })
}

/** What promtool finds wrong with a text of metrics; throws as `promtool` does. */
export async function checkMetrics(text: string): Promise<string> {
  return runPromtool(['check', 'metrics'], {}, text)
}

async function runPromtool(args: string[], options: { cwd?: string }, input = ''): Promise<string> {
  try {
    const running = run('promtool', args, options)
    running.child.stdin?.end(input)
    const { stdout, stderr } = await running
    return stdout + stderr
  } catch (error) {
    const { code, stdout, stderr } = error as { code: unknown; stdout: string; stderr: string }
    if (code === 'ENOENT') throw new Error('promtool is missing: apt-get install prometheus')
    throw new Error(`promtool ${args.join(' ')}:\n${stdout}${stderr}`)
  }
}
