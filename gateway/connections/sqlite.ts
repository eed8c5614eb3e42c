import { closeSync, mkdirSync, openSync } from 'node:fs'
import { dirname } from 'node:path'
import { DatabaseSync } from 'node:sqlite'

export interface SqliteConnection extends Disposable {
  readonly database: DatabaseSync
}

/**
 * Opens an SQLite file, creating it, for its owner's eyes alone, and its folders; `:memory:` for one that vanishes.
 * Write-ahead log: readers of other processes never wait for a writer.
 *
 * @throws Error that names the file and the cure.
 */
export function openSqlite(file: string): SqliteConnection {
  try {
    if (file !== ':memory:') makeForItsOwner(file)
    // A wait for another process's write blocks the event loop, so it is short.
    const database = new DatabaseSync(file, { timeout: 1_000 })
    // With a write-ahead log, NORMAL can lose the last commits in a power cut, never the file.
    database.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL')
    return {
      database,
      [Symbol.dispose]: () => {
        if (database.isOpen) database.close()
      },
    }
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause)
    throw new Error(
      `Cannot open the SQLite file ${file}: ${reason}. Check that its folder is writable and that the file is an SQLite database.`,
      { cause },
    )
  }
}

/** Password hashes are in it. SQLite gives the files that it puts beside the same mode. One that is there keeps its own. */
function makeForItsOwner(file: string): void {
  mkdirSync(dirname(file), { recursive: true })
  closeSync(openSync(file, 'a', 0o600))
}
