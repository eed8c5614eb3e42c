/** How late the event loop runs: what every answer of this process waits at least. */
export interface LoopLag extends Disposable {
  /** Over the last looks, so that one pause, such as a collection of garbage, is not taken for overload. */
  readonly meanMs: number
}

const lookEveryMs = 50
const looks = 3

/** Looks at the loop twenty times a second, and less often the later it runs. */
export function watchLoopLag(): LoopLag {
  const mean = createRunningMean(looks)
  let lookedAtMs = performance.now()
  const looking = setInterval(() => {
    const nowMs = performance.now()
    mean.add(Math.max(0, nowMs - lookedAtMs - lookEveryMs))
    lookedAtMs = nowMs
  }, lookEveryMs).unref()
  return {
    get meanMs() {
      return mean.value
    },
    [Symbol.dispose]: () => clearInterval(looking),
  }
}

export interface RunningMean {
  readonly value: number
  add(sample: number): void
}

/** Of the last `length` samples; those that have not been taken yet count as 0. */
export function createRunningMean(length: number): RunningMean {
  const samples = new Array<number>(length).fill(0)
  let next = 0
  let value = 0
  return {
    get value() {
      return value
    },
    add(sample) {
      samples[next] = sample
      next = (next + 1) % length
      value = samples.reduce((sum, each) => sum + each, 0) / length
    },
  }
}
