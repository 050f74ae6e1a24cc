// Package syntax owns the text of KQL: tokens, the syntax tree with positions, the parser and the printer. It knows
// neither names nor types: whether `T` is a table or a column is the binder's question.
package syntax

import "github.com/replaytrace/replaytrace/internal/diag"

// Node is anything in the tree that has a place in the text.
type Node interface {
	// Span is the node's place in the text, without blanks around it.
	Span() diag.Span
}

// At is embedded in every node.
type At struct{ Pos diag.Span }

// Span returns the node's place.
func (a At) Span() diag.Span { return a.Pos }

// Script is a whole text: statements separated by semicolons.
type Script struct {
	At
	// Partial is true when a whole statement could not be read, so that names may be missing. An operator that could not
	// be read is a *Bad.
	Partial    bool
	Statements []Statement
}

// Statement is one of *Let, *Set, *DeclareParams, *DeclarePattern or *ExprStatement.
type Statement interface {
	Node
	statement()
}

// Let is `let Name = Value`; Value is a scalar, a Pipe or a FuncLit.
type Let struct {
	At
	Name  *Name
	Value Expr
}

// Set is `set name = value`, which sets a request option.
type Set struct {
	At
	Name  string
	Value Expr // nil when absent
}

// DeclareParams is `declare query_parameters(a:long = 1, ...)`.
type DeclareParams struct {
	At
	Params []Param
}

// DeclarePattern is `declare pattern Name = (a:string)[path:string] {...}`. Without Cases it is declared only.
type DeclarePattern struct {
	At
	Name  *Name
	Cases []PatternCase
}

// PatternCase is one line of a DeclarePattern: `("a").["b"] = { Body }`.
type PatternCase struct {
	Args []string
	Path string // "" where it has none
	Body Expr
}

// ExprStatement is a query: a tabular or scalar expression.
type ExprStatement struct {
	At
	X Expr
}

func (*Let) statement()            {}
func (*Set) statement()            {}
func (*DeclareParams) statement()  {}
func (*DeclarePattern) statement() {}
func (*ExprStatement) statement()  {}

// Expr is a scalar or tabular expression.
type Expr interface {
	Node
	expr()
}

// Name is an identifier, also one in brackets: ['odd name'], ["odd name"]. `$left` and `$right` are names too.
type Name struct {
	At
	Name string
}

// Wildcard is a name pattern with at least one `*`, as in `project-away a*` or `union T*`.
type Wildcard struct {
	At
	Pattern string
}

// Star is a bare `*`.
type Star struct{ At }

// LiteralKind says how a literal's Text reads.
type LiteralKind uint8

// The kinds of Literal, with what Text holds.
const (
	LitString   LiteralKind = iota + 1 // the value, escapes resolved; adjacent literals joined
	LitLong                            // digits, or 0x..; also long(...)
	LitInt                             // inside of int(...)
	LitReal                            // 1.5, 1e3; also the inside of real(...): digits, nan, +inf, -inf
	LitDecimal                         // inside of decimal(...)
	LitBool                            // true or false
	LitDatetime                        // inside of datetime(...), trimmed
	LitTimespan                        // 1d, 2.5h, or the inside of time(...)/timespan(...)
	LitGuid                            // inside of guid(...)
	LitDynamic                         // the inside of dynamic(...) as canonical JSON; KQL strings and literals inside resolved
	LitNull                            // typed null such as int(null): Text is the type's name
)

// Literal is a constant.
type Literal struct {
	At
	Kind LiteralKind
	Text string
}

// TypeLit is `typeof(long)`, or the schema form `typeof(a:long, b:string)`, or `typeof(*)`.
type TypeLit struct {
	At
	Type    string  // spelling of the scalar type, "" for the schema form
	Columns []Param // schema form
	Star    bool    // a schema that begins with `*`: the columns of the source too
}

// Unary is `-x` or `+x`.
type Unary struct {
	At
	Op string
	X  Expr
}

// Binary is `l Op r`. Op is Kusto's spelling in lower case: + - * / % == != <> < <= > >= =~ !~ and or has !has
// contains startswith_cs `matches regex` : and so on; `<>` is normalised to `!=`.
type Binary struct {
	At
	Op     string
	OpSpan diag.Span
	L, R   Expr
}

// In is membership: Op is one of in !in in~ !in~ has_any has_all. List holds one Pipe for a subquery.
type In struct {
	At
	Op     string
	OpSpan diag.Span
	X      Expr
	List   []Expr
}

// Between is `x between (lo .. hi)` or `!between`.
type Between struct {
	At
	Not       bool
	X, Lo, Hi Expr
}

// Call is `f(args)`. An argument may be a Named, a Star, a Pipe or a TypeLit.
type Call struct {
	At
	Func *Name
	Args []Expr
}

// Member is `x.name`; `x["name"]` is an Index. `database("d").T` is a Member of a Call.
type Member struct {
	At
	X    Expr
	Name *Name
}

// Index is `x[i]`.
type Index struct {
	At
	X, I Expr
}

// Named is `name = x` or `(a, b) = x`.
type Named struct {
	At
	Names []*Name
	X     Expr
}

// Typed is `x to typeof(t)`-like annotation after a name: `name:type`.
type Typed struct {
	At
	X    Expr
	Type string
}

// FuncLit is `(params) { let ...; body }`; View is true for `view () { ... }`.
type FuncLit struct {
	At
	View   bool
	Params []Param
	Lets   []Statement
	Body   Expr
}

// Param is one parameter or declared column. A tabular parameter has Columns (and/or AnyColumns) and Tabular set.
type Param struct {
	At
	Name       *Name
	Type       string
	Tabular    bool
	Columns    []Param
	AnyColumns bool // the `*` in T:(a:long, *) or T:(*)
	Default    Expr
}

// Datatable is `datatable(a:long, b:string) [1, "x", ...]`.
type Datatable struct {
	At
	Columns []Param
	Values  []Expr
}

// ExternalData is `externaldata(a:long) ["url"] with (...)`.
type ExternalData struct {
	At
	Columns []Param
	Sources []Expr
	Options []Option
}

// Pipe is a tabular expression: a source and operators. Source is nil when the first operator makes rows itself
// (print, range, union, search, find).
type Pipe struct {
	At
	Source Expr
	Ops    []Operator
}

func (*Name) expr()         {}
func (*Wildcard) expr()     {}
func (*Star) expr()         {}
func (*Literal) expr()      {}
func (*TypeLit) expr()      {}
func (*Unary) expr()        {}
func (*Binary) expr()       {}
func (*In) expr()           {}
func (*Between) expr()      {}
func (*Call) expr()         {}
func (*Member) expr()       {}
func (*Index) expr()        {}
func (*Named) expr()        {}
func (*Typed) expr()        {}
func (*FuncLit) expr()      {}
func (*Datatable) expr()    {}
func (*ExternalData) expr() {}
func (*Pipe) expr()         {}

// Option is `name=value` as operators take it: kind=inner, hint.strategy=shuffle, withsource=T.
type Option struct {
	At
	Name  string // lower case, dots kept
	Value Expr
}
