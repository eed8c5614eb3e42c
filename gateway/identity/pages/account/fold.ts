import { escapeHtml, type Language } from '../../../page.ts'
import {
  type Field,
  type FormProblem,
  renderField,
  renderHidden,
  renderSaying,
  type Saying,
  sayProblem,
} from '../form.ts'

export type FoldName = 'name' | 'email' | 'password'

/** A form of the page that was sent and comes back. */
export interface RefusedFold {
  readonly form: FoldName
  /** What is shown again; passwords never are. */
  readonly typed: Readonly<Record<string, string>>
  readonly problem: FormProblem | { readonly kind: 'fields'; readonly fields: readonly string[] }
}

export interface FoldField extends Omit<Field, 'id' | 'problem'> {
  /** What is said when it is refused. */
  readonly refusal: string
}

export interface Fold {
  readonly language: Language
  readonly form: FoldName
  readonly title: string
  readonly fields: readonly FoldField[]
  readonly submit: string
  readonly refused: RefusedFold | null
  /** HTML: within the form, before its fields. */
  readonly before?: string
  /** HTML: below the form. */
  readonly after?: string
}

const words = {
  fr: { fields: 'Corrigez ce qui est signalé.' },
  en: { fields: 'Correct what is marked.' },
} as const

/** A form behind its title, which opens without a script; open from the start when it comes back. */
export function renderFold({
  language,
  form,
  title,
  submit,
  before = '',
  after = '',
  ...fold
}: Fold): string {
  const refused = fold.refused?.form === form ? fold.refused : null
  const saying = refused === null ? null : sayRefusal(refused, language)
  const wrong = refused?.problem.kind === 'fields' ? refused.problem.fields : []
  const focused =
    refused === null ? undefined : (fold.fields.find(({ name }) => wrong.includes(name)) ?? fold.fields[0])
  const fields = fold.fields.map((field) => {
    const { refusal, ...rest } = field
    const value = refused?.typed[field.name] ?? field.value
    const shown: Field = {
      ...rest,
      id: `${form}-${field.name}`,
      ...(value !== undefined && { value }),
      ...(wrong.includes(field.name) && { problem: refusal }),
    }
    return renderField(shown, field === focused, saying)
  })
  return `<details${refused === null ? '' : ' open'}><summary>${escapeHtml(title)}</summary>
<form method="post" action="/auth/account/${form}">
${renderHidden({ lang: language })}
${saying === null ? '' : renderSaying(saying)}
${before}
${fields.join('\n')}
<button type="submit">${escapeHtml(submit)}</button>
</form>${after}</details>`
}

function sayRefusal({ problem }: RefusedFold, language: Language): Saying {
  return problem.kind === 'fields'
    ? { kind: 'alert', sentence: words[language].fields }
    : sayProblem(problem, language)
}
