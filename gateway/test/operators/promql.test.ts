import { expect, test } from 'vitest'
import { unpromised } from './promql.ts'

test('an expression of promised series and labels passes', () => {
  const expr =
    'histogram_quantile(0.95, sum by (le, route) (rate(guichet_overhead_duration_seconds_bucket[5m]))) > 0.05' +
    ' and max(up{job="guichet"} offset 2m) or vector(0)'
  expect(unpromised(expr)).toEqual([])
})

test('a misspelled series, matcher or grouping is found', () => {
  expect(unpromised('sum(rate(guichet_request_total[5m]))')).toEqual(['guichet_request_total'])
  expect(unpromised('guichet_store_up{shop="a", store=~"{b}"} == 1')).toEqual(['guichet_store_up{shop}'])
  expect(unpromised('sum by (path) (guichet_store_up)')).toEqual(['by (path)'])
  expect(unpromised('1 + guichet_overhead_duration_seconds')).toEqual(['guichet_overhead_duration_seconds'])
})
