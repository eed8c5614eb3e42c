/** The longest that calls wait for others before they leave. */
const longestPauseMs = 2

/**
 * Says when what has gathered leaves: with the end of the event loop's turn while nothing is under way,
 * else when the answer is there, and after 2 ms in any case. So the busier the gateway, the more calls
 * share one script, and a call that is alone waits for nobody.
 *
 * @param send sends all that has gathered; settles when the answer is there
 * @returns to be called with the first of what gathers
 */
export function createSendPace(send: () => Promise<unknown>): () => void {
  let underWay = 0
  let isGathering = false
  let pause: NodeJS.Timeout | undefined

  function leave(): void {
    if (!isGathering) return
    clearTimeout(pause)
    isGathering = false
    underWay++
    send().then(arrived, arrived)
  }

  function arrived(): void {
    underWay--
    // Those whose answers came in the same turn may ask again before it ends.
    if (underWay === 0 && isGathering) setImmediate(leave)
  }

  return function gather() {
    isGathering = true
    if (underWay === 0) setImmediate(leave)
    else pause = setTimeout(leave, longestPauseMs)
  }
}
