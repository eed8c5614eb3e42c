import Type, { type Static, type TObject, type TProperties, type TSchema } from 'typebox'
import { Compile } from 'typebox/compile'
import { GatewayError } from '../errors.ts'

// Longer texts are refused by the rules on e-mails and passwords, at the same cost for everyone.
const loginFields = { email: Type.String({ minLength: 1 }), password: Type.String({ minLength: 1 }) }

const closed = { additionalProperties: false }

export const readLoginBody = reader(Type.Object(loginFields, closed), 'Send {"email": "…", "password": "…"}.')

export const readLoginForm = reader(
  Type.Object(
    { ...loginFields, return_to: Type.Optional(Type.String()), lang: Type.Optional(Type.String()) },
    closed,
  ),
  'Send email and password.',
)

const [text, maybeText] = [Type.String(), Type.Optional(Type.String())]

export const readRegistration = bothReader(
  { firstName: text, lastName: text, email: text, password: text },
  'Send {"firstName": "…", "lastName": "…", "email": "…", "password": "…"}.',
)
export const readActivation = bothReader({ email: text, code: text }, 'Send {"email": "…", "code": "…"}.')
/** Of whoever asks for a mail. */
export const readAddress = bothReader({ email: text }, 'Send {"email": "…"}.')
export const readPasswordReset = bothReader(
  { email: text, code: text, password: text },
  'Send {"email": "…", "code": "…", "password": "…"}.',
)

/** Of the account's owner; the password goes with a new e-mail. */
export const readOwnChanges = reader(
  Type.Object(
    { firstName: maybeText, lastName: maybeText, email: maybeText, currentPassword: maybeText },
    closed,
  ),
  'Send some of {"firstName": "…", "lastName": "…", "email": "…", "currentPassword": "…"}.',
)
export const readPasswordChange = reader(
  Type.Object({ currentPassword: text, newPassword: text }, closed),
  'Send {"currentPassword": "…", "newPassword": "…"}.',
)
export const readCurrentPassword = reader(
  Type.Object({ currentPassword: text }, closed),
  'Send {"currentPassword": "…"}.',
)
/** The same changes from the forms of one's page, which send their language along. */
export const readNamesForm = formReader({ firstName: text, lastName: text })
export const readEmailForm = formReader({ email: text, currentPassword: text })
export const readPasswordForm = formReader({ currentPassword: text, newPassword: text })
export const readDeletionForm = formReader({ currentPassword: text })

export const readEmailCode = bothReader({ code: text }, 'Send {"code": "…"}.')

const tokenFields = Type.Object({ refreshToken: Type.Optional(Type.String()) }, closed)
const readTokenFields = reader(tokenFields, 'Send {"refreshToken": "…"}, or the cookie and no body.')

/** The refresh token in a JSON body; null when there is no body, as when a browser sends its cookie. */
export function readRefreshBody(body: unknown): string | null {
  return body === undefined || body === null ? null : (readTokenFields(body).refreshToken ?? null)
}

/** @returns a function that gives the body its type, or throws `invalid-body` with the field and the cure */
function reader<Schema extends TSchema>(schema: Schema, cure: string): (body: unknown) => Static<Schema> {
  const compiled = Compile(schema)
  return (body) => {
    if (compiled.Check(body)) return body
    throw new GatewayError('invalid-body', { sentence: `${mistakeIn([...compiled.Errors(body)])} ${cure}` })
  }
}

/** The same for a page's form. */
function formReader<Fields extends TProperties>(fields: Fields): (body: unknown) => Static<TObject<Fields>> {
  const read = reader(
    Type.Object({ lang: maybeText, ...fields }, closed),
    `Send ${Object.keys(fields).join(' and ')}.`,
  )
  return (body) => read(body) as Static<TObject<Fields>>
}

/**
 * The same for JSON and for a page's form, which sends its language and the way back along, and its code
 * even with the button that asks for another one.
 */
function bothReader<Fields extends TProperties>(
  fields: Fields,
  cure: string,
): (body: unknown, isForm: boolean) => Static<TObject<Fields>> {
  const readJson = reader(Type.Object(fields, closed), cure)
  const readForm = reader(
    Type.Object({ lang: maybeText, return_to: maybeText, code: maybeText, ...fields }, closed),
    cure,
  )
  return (body, isForm) => (isForm ? (readForm(body) as Static<TObject<Fields>>) : readJson(body))
}

type Mistake = ReturnType<ReturnType<typeof Compile>['Errors']>[number]

/** The first mistake in words. It names fields of ours, or as much of a stranger's as fits a line. */
function mistakeIn([mistake]: readonly Mistake[]): string {
  if (mistake === undefined || (mistake.keyword === 'type' && mistake.instancePath === '')) {
    return 'The body is not an object.'
  }
  const field = mistake.instancePath.slice(1)
  switch (mistake.keyword) {
    case 'required':
      return `${mistake.params.requiredProperties.join(' and ')} missing.`
    // What a closed object says of a field it does not know.
    case 'boolean':
    case 'additionalProperties':
      return `Unknown field ${JSON.stringify(field.slice(0, 40))}.`
    case 'minLength':
      return `${field} is empty.`
    default:
      return `${field} is not a text.`
  }
}
