import type { RowDataPacket } from 'mysql2/promise'
import { describe, expect, inject, test } from 'vitest'
import { openMysql } from '../connections/mysql.ts'
import { createDatabase } from '../test/servers/mariadb.ts'
import { createMysqlAccounts } from './accounts.mysql.ts'
import { adoptionContract, type OldDatabase } from './adoption.contract.ts'
import { migrateMysql } from './migrations.mysql.ts'

async function openOldDatabase(): Promise<OldDatabase> {
  const mysql = await openMysql(await createDatabase(inject('mysqlUrl')))
  return {
    accounts: () => createMysqlAccounts(mysql),
    migrate: () => migrateMysql(mysql),
    execute: async (statement) => void (await mysql.pool.query(statement)),
    rows: async (query) => (await mysql.pool.query<RowDataPacket[]>(query))[0],
    [Symbol.asyncDispose]: () => mysql[Symbol.asyncDispose](),
  }
}

const oldTable = `CREATE TABLE utilisateurs (
  id INT AUTO_INCREMENT PRIMARY KEY, nom VARCHAR(50), prenom VARCHAR(50), email VARCHAR(100) UNIQUE,
  mot_de_passe VARCHAR(50), promotion INT) CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci`

adoptionContract('MySQL', oldTable, openOldDatabase)
adoptionContract(
  'MySQL, a MyISAM table in latin1',
  oldTable.replace(/CHARACTER SET.*/, 'ENGINE = MyISAM CHARACTER SET latin1'),
  openOldDatabase,
)

describe('in MySQL', () => {
  test('defaults, comments and foreign keys of an older app stay', async () => {
    await using old = await openOldDatabase()
    await old.execute(`CREATE TABLE utilisateurs (
      id INT UNSIGNED AUTO_INCREMENT PRIMARY KEY, nom VARCHAR(30) NOT NULL DEFAULT 'd''Or' COMMENT 'family, name',
      prenom TEXT, email CHAR(60) NOT NULL, mot_de_passe TINYTEXT NOT NULL, role ENUM('user', 'admin', 'l''élève') DEFAULT 'user',
      KEY (email(10))) CHARACTER SET latin1`)
    await old.execute(
      'CREATE TABLE articles (id INT PRIMARY KEY, vendeur INT UNSIGNED, FOREIGN KEY (vendeur) REFERENCES utilisateurs (id))',
    )
    await old.execute(
      "INSERT INTO utilisateurs (email, mot_de_passe, role) VALUES ('a@example.org', 'x', 'l''élève')",
    )
    await old.execute('INSERT INTO articles VALUES (1, 1)')
    await old.migrate()
    expect(
      await old.rows(`SELECT COLUMN_NAME AS name, COLUMN_TYPE AS type, COLUMN_COMMENT AS comment, IS_NULLABLE AS nullable
        FROM information_schema.COLUMNS WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME = 'utilisateurs' AND COLUMN_NAME IN ('nom', 'email', 'role') ORDER BY name`),
    ).toEqual([
      { name: 'email', type: 'varchar(254)', comment: '', nullable: 'NO' },
      { name: 'nom', type: 'varchar(100)', comment: 'family, name', nullable: 'NO' },
      { name: 'role', type: 'varchar(20)', comment: '', nullable: 'YES' },
    ])
    await old.execute("INSERT INTO utilisateurs (email, mot_de_passe) VALUES ('b@example.org', 'x')")
    expect(await old.rows('SELECT nom, role FROM utilisateurs ORDER BY id')).toEqual([
      { nom: "d'Or", role: "l'élève" },
      { nom: "d'Or", role: 'user' },
    ])
  })

  test.each([
    ['id VARCHAR(36) PRIMARY KEY, email TEXT, mot_de_passe TEXT', 'Its column id is varchar'],
    ['id INT PRIMARY KEY, email TEXT, mot_de_passe BLOB', 'Its column mot_de_passe is blob'],
    [
      "id INT PRIMARY KEY, email TEXT, mot_de_passe TEXT, actif ENUM('oui', 'non')",
      'Its column actif is enum',
    ],
    ['id INT, email TEXT, mot_de_passe TEXT', 'MySQL says: '],
  ])('a table that cannot hold accounts is refused: %s', async (columns, reason) => {
    await using old = await openOldDatabase()
    await old.execute(`CREATE TABLE utilisateurs (${columns})`)
    await expect(old.migrate()).rejects.toThrow(reason)
  })
})
