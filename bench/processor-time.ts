import { readFileSync } from 'node:fs'

/** The unit of /proc: USER_HZ, the same on every Linux that Node runs on (proc(5)). */
const ticksPerSecond = 100

/**
 * Processor time that all threads of a process have used so far, in microseconds; user and system, its children's
 * left out. Counted in ticks of 10 ms.
 *
 * @throws Error with the cure where there is no /proc, or no such process.
 */
export function processorTimeUs(pid: number): number {
  let line: string
  try {
    line = readFileSync(`/proc/${pid}/stat`, 'utf8')
  } catch (cause) {
    throw new Error(`cannot read /proc/${pid}/stat: run the benchmark on Linux, and let its processes live`, {
      cause,
    })
  }
  // The second field, the program's name in brackets, may hold spaces and brackets itself.
  const fields = line.slice(line.lastIndexOf(')') + 2).split(' ')
  const [userTicks, systemTicks] = [Number(fields[11]), Number(fields[12])]
  return ((userTicks + systemTicks) / ticksPerSecond) * 1e6
}
