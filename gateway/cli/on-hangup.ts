/** Runs `reload` at each SIGHUP, one at a time; those that come meanwhile are one more. */
export function onHangup(reload: () => Promise<void>): void {
  let isRunning = false
  let isWanted = false
  process.on('SIGHUP', async () => {
    isWanted = true
    if (isRunning) return
    isRunning = true
    while (isWanted) {
      isWanted = false
      await reload()
    }
    isRunning = false
  })
}
