import { execFile } from 'node:child_process'
import { promisify } from 'node:util'

const run = promisify(execFile)

/**
 * Runs promtool in a folder and resolves with what it wrote.
 *
 * @throws Error with promtool's own words when it finds a fault; with the cure when it is not installed.
 */
export async function promtool(folder: string, ...args: string[]): Promise<string> {
  try {
    const { stdout, stderr } = await run('promtool', args, { cwd: folder })
    return stdout + stderr
  } catch (error) {
    const { code, stdout, stderr } = error as { code: unknown; stdout: string; stderr: string }
    if (code === 'ENOENT') throw new Error('promtool is missing: apt-get install prometheus')
    throw new Error(`promtool ${args.join(' ')}:\n${stdout}${stderr}`)
  }
}
