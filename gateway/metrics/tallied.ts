import { Counter, type Metric, type Registry } from 'prom-client'

export interface TalliedOptions {
  readonly name: string
  readonly help: string
  /** One to three. */
  readonly labelNames: readonly string[]
}

/** How often something has happened since the last scrape. */
export interface Tally {
  count: number
}

/** Gives the child of these labels, always the same. */
export type ChildOf<Child> = (first: string, second?: string, third?: string) => Child

/**
 * A counter for what happens with every request: a plain number, added to prom-client's at a scrape. Its own
 * `inc` hashes the labels each time.
 */
export function talliedCounter(registry: Registry, options: TalliedOptions): ChildOf<Tally> {
  const tallies: { readonly labels: Record<string, string>; readonly tally: Tally }[] = []
  new Counter({
    ...options,
    labelNames: [...options.labelNames],
    registers: [registry],
    collect() {
      for (const { labels, tally } of tallies) {
        this.inc(labels, tally.count)
        tally.count = 0
      }
    },
  })
  return rememberChildren(options.labelNames, (labels) => {
    const tally = { count: 0 }
    tallies.push({ labels, tally })
    return tally
  })
}

/** The observations of one set of labels. */
class HistogramTally {
  readonly #bounds: readonly number[]
  /** By the least bound that is not below what was observed; above all of them, nowhere. */
  readonly counts: number[]
  sum = 0
  count = 0

  constructor(bounds: readonly number[]) {
    this.#bounds = bounds
    this.counts = bounds.map(() => 0)
  }

  observe(value: number): void {
    const bounds = this.#bounds
    this.sum += value
    this.count++
    for (let i = 0; i < bounds.length; i++) {
      if (value <= (bounds[i] as number)) {
        ;(this.counts[i] as number)++
        return
      }
    }
  }
}

/**
 * A histogram for what is measured with every request. prom-client's validates and hashes the labels at each
 * observation and takes no counts from outside, so this one stands in the registry beside its own.
 *
 * @param bounds upper bounds of the buckets, ascending, without the infinite one
 */
export function talliedHistogram(
  registry: Registry,
  { name, help, labelNames }: TalliedOptions,
  bounds: readonly number[],
): ChildOf<HistogramTally> {
  const children: { readonly labels: Record<string, string>; readonly tally: HistogramTally }[] = []
  const description = { name, help, type: 'histogram', aggregator: 'sum' }
  const read = async () => ({
    ...description,
    values: children.flatMap(({ labels, tally }) => {
      let below = 0
      const buckets = bounds.map((le, i) => {
        below += tally.counts[i] as number
        return { metricName: `${name}_bucket`, labels: { le, ...labels }, value: below }
      })
      return [
        ...buckets,
        { metricName: `${name}_bucket`, labels: { le: '+Inf', ...labels }, value: tally.count },
        { metricName: `${name}_sum`, labels, value: tally.sum },
        { metricName: `${name}_count`, labels, value: tally.count },
      ]
    }),
  })
  registry.registerMetric({ ...description, labelNames, get: read } as unknown as Metric)
  return rememberChildren(labelNames, (labels) => {
    const tally = new HistogramTally(bounds)
    children.push({ labels, tally })
    return tally
  })
}

/** Found by one map for each label: a key joined of three would be a new text every time. */
function rememberChildren<Child>(
  labelNames: readonly string[],
  create: (labels: Record<string, string>) => Child,
): ChildOf<Child> {
  const children = new Map<string, Map<string, Map<string, Child>>>()
  return (first, second = '', third = '') => {
    const ofFirst = children.get(first) ?? added(children, first, new Map())
    const ofSecond = ofFirst.get(second) ?? added(ofFirst, second, new Map())
    const known = ofSecond.get(third)
    if (known !== undefined) return known
    const values = [first, second, third]
    return added(
      ofSecond,
      third,
      create(Object.fromEntries(labelNames.map((label, i) => [label, values[i] as string]))),
    )
  }
}

function added<Value>(map: Map<string, Value>, key: string, value: Value): Value {
  map.set(key, value)
  return value
}
