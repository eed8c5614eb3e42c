import { readdirSync, readFileSync } from 'node:fs'

const unlessTold = 10_000

/** What is opened later: by stores that connect when they are asked, by threads, to read a file or send a mail. */
const reserve = 16

/** A browser alone opens six. Where even these are too many for the files there are, some calls are answered 503. */
const least = 8

/**
 * How many callers may be connected while the system still lets this process open what it needs to answer them: each
 * may take a connection to an upstream too. Asked when all else is open.
 *
 * @param process Linux alone has it
 */
export function mostConnections(process = '/proc/self'): number {
  const files = Number(/^Max open files +(\d+)/m.exec(limitsOf(process))?.[1])
  if (Number.isNaN(files)) return unlessTold
  return Math.max(least, Math.floor((files - openFiles(process) - reserve) / 2))
}

function limitsOf(process: string): string {
  try {
    return readFileSync(`${process}/limits`, 'utf8')
  } catch {
    return ''
  }
}

function openFiles(process: string): number {
  try {
    return readdirSync(`${process}/fd`).length
  } catch {
    return 0
  }
}
