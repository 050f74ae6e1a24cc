// Package schema owns KQL's scalar types and the shape of tables. It knows nothing of syntax, SQL or Entra.
package schema

import "strings"

// Type is one of KQL's scalar types.
// https://learn.microsoft.com/kusto/query/scalar-data-types/
type Type uint8

// KQL's scalar types. Unknown is the type of a value that is always null and fits everywhere, such as a column of a
// watchlist that is not at hand.
const (
	Unknown Type = iota
	Bool
	Int
	Long
	Real
	Decimal
	String
	Datetime
	Timespan
	Guid
	Dynamic
)

var typeNames = [...]string{"unknown", "bool", "int", "long", "real", "decimal", "string", "datetime", "timespan", "guid", "dynamic"}

// String returns Kusto's canonical name of the type.
func (t Type) String() string { return typeNames[t] }

// typeAliases maps every spelling that Kusto accepts in declarations and typeof() to its type.
var typeAliases = map[string]Type{
	"bool": Bool, "boolean": Bool,
	"int": Int, "int32": Int,
	"long": Long, "int64": Long,
	"real": Real, "double": Real,
	"decimal":  Decimal,
	"string":   String,
	"datetime": Datetime, "date": Datetime,
	"timespan": Timespan, "time": Timespan,
	"guid": Guid, "uuid": Guid, "uniqueid": Guid,
	"dynamic": Dynamic,
}

// ParseType returns the type of a spelling such as `long`, `int64` or `double`.
func ParseType(name string) (Type, bool) {
	t, ok := typeAliases[strings.ToLower(name)]
	return t, ok
}

// IsNumeric reports whether arithmetic promotion applies: int, long, real, decimal.
func (t Type) IsNumeric() bool { return t >= Int && t <= Decimal }

// IsInteger reports whether t is int or long.
func (t Type) IsInteger() bool { return t == Int || t == Long }

// Column is one column of a table.
type Column struct {
	Name   string
	Type   Type
	Hidden bool // reachable by name, left out of `*` and of results (provenance columns)
}

// Declaration is the columns as `datatable` and functions declare them: a:long, b:string.
func Declaration(columns []Column) string {
	parts := make([]string, len(columns))
	for i, c := range columns {
		parts[i] = c.Name + ":" + c.Type.String()
	}
	return strings.Join(parts, ", ")
}

// Table is a named table that a query may read.
type Table struct {
	Name    string
	Columns []Column
	// Source is the URL of the page that defines the table, empty for the user's own.
	Source string
	// Members are the members of its JSON columns that are stored beside them.
	Members []Members
	// Intake is how its rows are told and completed when evidence is read.
	Intake Intake
}

// Members are members of a JSON column whose texts a table stores as columns of their own: those that queries ask for
// most.
type Members struct {
	Column string
	Keys   []string
}

// Name is the stored column of a member. No query can write it as a name.
func (m Members) Name(key string) string { return m.Column + "." + key }

// Intake is what the reading of evidence must know of a table besides its columns.
type Intake struct {
	// Key is the column that names a record: rows with the same key are copies of one. Empty when every row counts.
	Key string
	// Names are what exports call the table: categories, event types, parts of file names. Case does not count.
	Names []string
	// KnownBy tells the table by its columns when nothing names it: a row has one column of each group, and none of
	// Unlike.
	KnownBy [][]string
	Unlike  []string
	// Addresses are the columns whose ports and brackets are taken off.
	Addresses []string
	// Derive fills columns that the evidence leaves out, in this order.
	Derive []Derivation
	// Fills says that the table's rows, gathered by From, are a column of other tables.
	Fills Filling
}

// Filling is a column that is a JSON list of another table's rows.
type Filling struct {
	Column string   // that is filled where it is empty
	Tables []string // of these tables
	Key    string   // of their rows
	From   string   // the column that has the key
	Object []struct{ Name, Column string }
}

// Derivation is a column that follows from another one.
type Derivation struct {
	Column, From string
	// By is how: "" copies, "guid_token" makes Entra's token identifier of a request id.
	By string
}

// Column returns the column of that exact name.
func (t *Table) Column(name string) (Column, bool) {
	for _, c := range t.Columns {
		if c.Name == name {
			return c, true
		}
	}
	return Column{}, false
}
