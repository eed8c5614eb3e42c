import type { Meter, MeterLimit } from './meter.ts'

/** GCRA: calls spaced evenly, `window / quota` apart, after a burst. One number: when the next call is due. */
export function createGcra(): Meter {
  let time = Number.NEGATIVE_INFINITY

  const stepOf = ({ window, quota }: MeterLimit): number => window / quota

  /** Never further ahead than a full burst, whatever the clock or an overdraft did. */
  function due(now: number, limit: MeterLimit): number {
    return Math.min(Math.max(time, now), now + limit.burst * stepOf(limit))
  }

  return {
    look(now, limit, cost) {
      const step = stepOf(limit)
      const tolerance = limit.burst * step
      const ahead = due(now, limit) - now
      const free = Math.floor((tolerance - ahead) / step + 1e-6)
      if (cost > limit.burst) return { free, reset: limit.window }
      const wanted = cost <= free ? free + 1 : cost
      if (wanted > limit.burst) return { free, reset: 0 }
      return { free, reset: Math.max(1, Math.ceil(ahead + wanted * step - tolerance)) }
    },
    take(now, limit, cost) {
      time = Math.round(due(now, limit) + cost * stepOf(limit))
      return now
    },
    giveBack(_now, limit, cost) {
      time -= cost * stepOf(limit)
    },
    insert(at, limit, cost) {
      time = Math.max(time, at) + cost * stepOf(limit)
    },
    isIdle: (now) => time <= now,
  }
}
