import { readText } from './repository.ts'

interface Place {
  readonly x: number
  readonly y: number
  readonly w: number
  readonly h: number
}

export interface Panel {
  readonly id: number
  readonly type: string
  readonly title: string
  readonly description?: string
  readonly datasource?: { readonly uid: string }
  readonly gridPos: Place
  readonly targets?: readonly {
    readonly refId: string
    readonly expr: string
    readonly legendFormat?: string
  }[]
}

export interface Dashboard {
  readonly uid: string
  readonly title: string
  readonly schemaVersion: number
  readonly panels: readonly Panel[]
  readonly templating: { readonly list: readonly { readonly name: string; readonly type: string }[] }
  readonly annotations: { readonly list: readonly { readonly expr?: string }[] }
}

export const readDashboard = (): Dashboard => JSON.parse(readText('grafana/dashboards/guichet.json'))

/** The panels that show something: all but the rows. */
export const shownPanels = (dashboard: Dashboard): Panel[] =>
  dashboard.panels.filter((panel) => panel.type !== 'row')

/** Every expression of a panel as Prometheus gets it, with the variables that Grafana itself fills in. */
export const expressions = (panel: Panel): string[] =>
  (panel.targets ?? []).map(({ expr }) =>
    expr.replaceAll('$__rate_interval', '20s').replaceAll('$__range', '1h'),
  )
