import type { PoolConnection, RowDataPacket } from 'mysql2/promise'
import { AdoptionRefused, filledColumns, planEmails, type StoredEmail, warningsOf } from './adoption.ts'

/** The columns after migration 1, and the fewest characters each must hold. */
const columns = {
  nom: { characters: 100, added: "VARCHAR(100) CHARACTER SET utf8mb4 NOT NULL DEFAULT ''" },
  prenom: { characters: 100, added: "VARCHAR(100) CHARACTER SET utf8mb4 NOT NULL DEFAULT ''" },
  email: { characters: 254, added: null },
  mot_de_passe: { characters: 255, added: null },
  role: {
    characters: 20,
    added: "VARCHAR(20) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL DEFAULT 'user'",
  },
  actif: { characters: null, added: 'TINYINT(1) NOT NULL DEFAULT 1' },
  derniere_connexion_ms: { characters: null, added: 'BIGINT NULL' },
} as const

interface Column extends RowDataPacket {
  readonly name: string
  readonly type: string
  readonly characters: number | null
  readonly charset: string | null
  readonly collation: string | null
  readonly extra: string
  readonly required: number
}

/**
 * Brings a foreign `utilisateurs` to the state after migration 1: what may fail is asked first, then the e-mails
 * are respelled, then one ALTER does the rest. Bears being run again. Returns warnings for the log.
 *
 * @throws AdoptionRefused
 */
export async function adoptMysqlTable(connection: PoolConnection): Promise<string[]> {
  const found = await columnsOf(connection)
  refuseUnfit(found)
  const [emails] = await connection.query<(StoredEmail & RowDataPacket)[]>(
    'SELECT CAST(id AS CHAR) AS id, email FROM utilisateurs ORDER BY utilisateurs.id',
  )
  const plan = planEmails(emails)
  const [[shown]] = await connection.query<RowDataPacket[]>('SHOW CREATE TABLE utilisateurs')
  const definitions = String(shown?.['Create Table'])
  const changes = [...columnChanges(found, definitions), ...(await indexChanges(connection))]
  if (!/\bENGINE=InnoDB\b/i.test(definitions)) changes.push('ENGINE = InnoDB')

  await connection.beginTransaction()
  for (const { id, email } of plan.respelled) {
    await connection.execute('UPDATE utilisateurs SET email = ? WHERE id = ?', [email, BigInt(id)] as never)
  }
  await connection.commit()
  if (changes.length > 0) {
    await connection.query(`ALTER TABLE utilisateurs ${changes.join(', ')}`).catch((error: Error) => {
      throw new AdoptionRefused(`MySQL says: ${error.message}. Its columns and rows are as they were.`)
    })
  }
  const required = [...found.values()]
    .filter((column) => Number(column.required) === 1)
    .map(({ name }) => name)
  return warningsOf(
    plan,
    required.filter((name) => !filledColumns.has(name)),
  )
}

async function columnsOf(connection: PoolConnection): Promise<Map<string, Column>> {
  const [rows] = await connection.query<Column[]>(
    `SELECT LOWER(COLUMN_NAME) AS name, LOWER(DATA_TYPE) AS type, CHARACTER_MAXIMUM_LENGTH AS characters,
       CHARACTER_SET_NAME AS charset, COLLATION_NAME AS collation, LOWER(EXTRA) AS extra,
       IS_NULLABLE = 'NO' AND COLUMN_DEFAULT IS NULL AND EXTRA = '' AS required
     FROM information_schema.COLUMNS WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME = 'utilisateurs'`,
  )
  return new Map(rows.map((row) => [row.name, row]))
}

const wholeNumber = /^(tiny|small|medium|big)?int$/

function refuseUnfit(found: ReadonlyMap<string, Column>): void {
  for (const name of ['id', 'email', 'mot_de_passe']) {
    if (!found.has(name)) throw new AdoptionRefused(`It has no column ${name}. Add it, or rename the table.`)
  }
  for (const [name, { type, charset }] of found) {
    const isOurs = name === 'id' || name in columns
    if (!isOurs) continue
    const isText = charset !== null && type !== 'set'
    const wantsText = name !== 'id' && columns[name as keyof typeof columns].characters !== null
    if (wantsText ? !isText : !wholeNumber.test(type)) {
      const wanted = wantsText ? 'text' : 'a whole number'
      throw new AdoptionRefused(`Its column ${name} is ${type} and must be ${wanted}. Change or rename it.`)
    }
  }
}

function columnChanges(found: ReadonlyMap<string, Column>, definitions: string): string[] {
  const changes: string[] = []
  const id = found.get('id')
  if (id && !id.extra.includes('auto_increment')) {
    changes.push(`MODIFY ${definitionOf('id', definitions)} AUTO_INCREMENT`)
  }
  for (const [name, { characters, added }] of Object.entries(columns)) {
    const column = found.get(name)
    if (!column) changes.push(`ADD COLUMN ${name} ${added}`)
    else if (characters !== null && !isFit(column, characters)) {
      changes.push(`MODIFY ${widened(column, characters, definitions)}`)
    }
  }
  return changes
}

function isFit({ name, type, characters: has, charset, collation }: Column, characters: number): boolean {
  if (charset !== 'utf8mb4' || Number(has) < characters) return false
  // Only the e-mail is compared and indexed by the database.
  return name === 'email' ? type === 'varchar' && collation === 'utf8mb4_bin' : type !== 'enum'
}

/** The column's own definition with another type, so that NULL, DEFAULT and COMMENT stay as its owner wrote them. */
function widened({ name, type, characters: has }: Column, characters: number, definitions: string): string {
  // 768 characters are the most that an index takes.
  const isLong = type.endsWith('text') && name !== 'email'
  const length = name === 'email' && Number(has) > 768 ? characters : Math.max(characters, Number(has))
  const wider = `${isLong ? type : `VARCHAR(${length})`} CHARACTER SET utf8mb4 COLLATE utf8mb4_bin`
  return definitionOf(name, definitions).replace(
    /^(`[^`]+`) \w+(\([^)]*\))?( CHARACTER SET \w+)?( COLLATE \w+)?/,
    `$1 ${wider}`,
  )
}

function definitionOf(name: string, definitions: string): string {
  const line = definitions.split('\n').find((each) => each.trim().toLowerCase().startsWith(`\`${name}\` `))
  if (line === undefined) throw new AdoptionRefused(`The definition of its column ${name} cannot be read.`)
  return line.trim().replace(/,$/, '')
}

async function indexChanges(connection: PoolConnection): Promise<string[]> {
  const [rows] = await connection.query<RowDataPacket[]>(
    `SELECT INDEX_NAME AS name, MIN(NON_UNIQUE) AS nonUnique, MAX(SUB_PART) AS part,
       LOWER(GROUP_CONCAT(COLUMN_NAME ORDER BY SEQ_IN_INDEX)) AS columns
     FROM information_schema.STATISTICS WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME = 'utilisateurs'
     GROUP BY INDEX_NAME`,
  )
  const changes: string[] = []
  if (
    !rows.some(
      ({ nonUnique, part, columns: on }) => on === 'email' && Number(nonUnique) === 0 && part === null,
    )
  ) {
    changes.push('ADD UNIQUE INDEX utilisateurs_email (email)')
  }
  if (!rows.some(({ name }) => name === 'utilisateurs_derniere_connexion')) {
    changes.push('ADD INDEX utilisateurs_derniere_connexion (derniere_connexion_ms DESC, id)')
  }
  return changes
}
