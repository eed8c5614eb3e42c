import { readFileSync } from 'node:fs'

const unlessTold = 10_000

/**
 * How many callers may be connected while the system still lets this process open what it needs to answer them: each
 * may take a connection to an upstream too.
 */
export function mostConnections(limitsFile = '/proc/self/limits'): number {
  const files = Number(/^Max open files +(\d+)/m.exec(textOf(limitsFile))?.[1])
  return Number.isNaN(files) ? unlessTold : Math.max(1, Math.floor(files / 2))
}

/** Linux alone has it. */
function textOf(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    return ''
  }
}
