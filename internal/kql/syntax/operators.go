package syntax

// Operator is one step of a Pipe.
type Operator interface {
	Node
	operator()
	// Keyword is the operator's name as Kusto spells it.
	Keyword() string
}

// Where is `where Pred` or `filter Pred`.
type Where struct {
	At
	Pred Expr
}

// Extend is `extend a = x, ...`.
type Extend struct {
	At
	Items []Expr
}

// Project is `project a, b = x, ...`.
type Project struct {
	At
	Items []Expr
}

// ProjectAway is `project-away a, b*`; Keep is true for `project-keep`.
type ProjectAway struct {
	At
	Keep  bool
	Items []Expr // *Name, *Wildcard or *Star
}

// ProjectRename is `project-rename new = old, ...`.
type ProjectRename struct {
	At
	Items []Expr // *Named of *Name
}

// ProjectReorder is `project-reorder a, b* asc, *`.
type ProjectReorder struct {
	At
	Items []ReorderItem
}

// ReorderItem is one pattern of a ProjectReorder; Order is "", asc, desc, granny-asc or granny-desc.
type ReorderItem struct {
	X     Expr // *Name, *Wildcard or *Star
	Order string
}

// Summarize is `summarize aggs by keys`.
type Summarize struct {
	At
	Options []Option
	Aggs    []Expr
	By      []Expr
}

// Join is `join kind=... (right) on conditions`; Lookup is true for `lookup`.
type Join struct {
	At
	Lookup  bool
	Options []Option
	Right   Expr
	On      []Expr // *Name, or *Binary == of $left.x and $right.y, or any condition
}

// Union is `union kind=... withsource=... isfuzzy=... T1, (T2 | ...), T*`.
type Union struct {
	At
	Options []Option
	Tables  []Expr
}

// Distinct is `distinct a, b` or `distinct *`.
type Distinct struct {
	At
	Items []Expr
}

// SortKey is one key of sort and top.
type SortKey struct {
	X     Expr
	Asc   bool
	Nulls string // "", first or last
}

// Sort is `sort by` or `order by`.
type Sort struct {
	At
	Keys []SortKey
}

// Top is `top N by keys`.
type Top struct {
	At
	N    Expr
	Keys []SortKey
}

// TopHitters is `top-hitters N of X by Sum`.
type TopHitters struct {
	At
	N, X Expr
	By   Expr // nil to count
}

// TopNested is `top-nested N of X with others = o by Agg, top-nested ...`.
type TopNested struct {
	At
	Levels []NestedLevel
}

// NestedLevel is one level of a TopNested.
type NestedLevel struct {
	At
	N      Expr // nil for all values
	X      Expr
	Others Expr // nil when absent
	By     Expr
	Asc    bool
}

// Take is `take N` or `limit N`; Sample is true for `sample N`.
type Take struct {
	At
	Sample bool
	N      Expr
}

// SampleDistinct is `sample-distinct N of X`.
type SampleDistinct struct {
	At
	N, X Expr
}

// Count is `count` or `count as Name`.
type Count struct {
	At
	As *Name // nil when absent
}

// MvExpand is `mv-expand kind=... with_itemindex=i a, b = x to typeof(t) limit n`.
type MvExpand struct {
	At
	Options []Option // kind or bagexpansion, with_itemindex
	Items   []MvItem
	Limit   Expr // nil when absent
}

// MvItem is one column that is expanded.
type MvItem struct {
	X  Expr // may be *Named
	To *TypeLit
}

// MvApply is `mv-apply items on ( body )`.
type MvApply struct {
	At
	Options []Option
	Items   []MvItem
	Limit   Expr
	Body    *Pipe // Source is nil: the operators run on the expanded rows
}

// Partition is `partition by Key (body)`: the body runs on the rows of each key.
type Partition struct {
	At
	Options []Option
	Key     *Name
	Body    *Pipe // Source is nil: the operators run on the rows of one key
}

// Range is `range x from a to b step c`.
type Range struct {
	At
	Name           *Name
	From, To, Step Expr
}

// Print is `print a = x, ...`.
type Print struct {
	At
	Items []Expr
}

// As is `as Name`.
type As struct {
	At
	Name *Name
}

// Serialize is `serialize a = x, ...`.
type Serialize struct {
	At
	Items []Expr
}

// Render is `render kind with (...)`; it changes no rows.
type Render struct {
	At
	Visualization string
	Options       []Option
}

// ParseOp is `parse kind=... x with "a" col:type * ...`; Where is true for `parse-where`.
type ParseOp struct {
	At
	Where   bool
	Options []Option // kind, flags
	X       Expr
	Parts   []Expr // *Literal (text), *Star, *Name, *Typed
}

// ParseKV is `parse-kv x as (a:long, b:string) with (...)`.
type ParseKV struct {
	At
	X       Expr
	Columns []Param
	Options []Option
}

// Evaluate is `evaluate plugin(args) : (schema)`.
type Evaluate struct {
	At
	Options []Option
	Call    *Call
	Schema  *TypeLit // nil when absent
}

// Invoke is `invoke f(args)`.
type Invoke struct {
	At
	Call *Call
}

// GetSchema is `getschema`.
type GetSchema struct{ At }

// MakeSeries is `make-series aggs on axis from a to b step c by keys`.
type MakeSeries struct {
	At
	Options        []Option
	Aggs           []MakeSeriesItem
	On             Expr
	From, To, Step Expr // From and To are nil when absent
	Inclusive      bool // the form `in range(from, to, step)`, whose end belongs to it
	By             []Expr
}

// MakeSeriesItem is one aggregate of a MakeSeries with its default.
type MakeSeriesItem struct {
	X       Expr
	Default Expr // nil when absent
}

// Search is `search [kind=...] [in (tables)] predicate`; it stands first or after a pipe.
type Search struct {
	At
	Options []Option
	Tables  []Expr
	Pred    Expr
}

// Find is `find [withsource=c] [in (tables)] [where] predicate [project-smart | project columns]`.
type Find struct {
	At
	Options []Option
	Tables  []Expr
	Pred    Expr
	Project bool    // the columns are listed
	Items   []Param // Type is "" where none is given
	Pack    bool    // pack_all() is among them
}

// ProjectByNames is `project-by-names "a", dynamic(["b"]), "c*"`.
type ProjectByNames struct {
	At
	Items []Expr
}

// Consume is `consume`.
type Consume struct{ At }

// AssertSchema is `assert-schema (a:long, b:string)`.
type AssertSchema struct {
	At
	Columns []Param
}

// Scan is `scan with_match_id=m declare (a:long=0) with (step s1 output=all: Cond => a = x; ...)`.
type Scan struct {
	At
	Options  []Option // with_match_id
	Declared []Param
	Steps    []ScanStep
}

// ScanStep is one step of a Scan.
type ScanStep struct {
	At
	Name   *Name
	Output string // all, last or none; "" when absent
	Cond   Expr
	Assign []Expr // *Named
}

// Other is an operator that is known by name but not read: the binder refuses it as unsupported.
type Other struct {
	At
	Name   string
	Reason string // why not, "" when there is nothing to add
}

// Bad stands for an operator that has a syntax error.
type Bad struct{ At }

// Keyword returns "".
func (*Bad) Keyword() string { return "" }

func (*Bad) operator()            {}
func (*Where) operator()          {}
func (*Extend) operator()         {}
func (*Project) operator()        {}
func (*ProjectAway) operator()    {}
func (*ProjectRename) operator()  {}
func (*ProjectReorder) operator() {}
func (*Summarize) operator()      {}
func (*Join) operator()           {}
func (*Union) operator()          {}
func (*Distinct) operator()       {}
func (*Sort) operator()           {}
func (*Top) operator()            {}
func (*Take) operator()           {}
func (*SampleDistinct) operator() {}
func (*Count) operator()          {}
func (*MvExpand) operator()       {}
func (*MvApply) operator()        {}
func (*Partition) operator()      {}
func (*Range) operator()          {}
func (*Print) operator()          {}
func (*As) operator()             {}
func (*Serialize) operator()      {}
func (*Render) operator()         {}
func (*ParseOp) operator()        {}
func (*ParseKV) operator()        {}
func (*Evaluate) operator()       {}
func (*Invoke) operator()         {}
func (*GetSchema) operator()      {}
func (*MakeSeries) operator()     {}
func (*Search) operator()         {}
func (*Find) operator()           {}
func (*TopHitters) operator()     {}
func (*TopNested) operator()      {}
func (*ProjectByNames) operator() {}
func (*Consume) operator()        {}
func (*Scan) operator()           {}
func (*AssertSchema) operator()   {}
func (*Other) operator()          {}

// Keyword returns `where`.
func (*Where) Keyword() string { return "where" }

// Keyword returns `extend`.
func (*Extend) Keyword() string { return "extend" }

// Keyword returns `project`.
func (*Project) Keyword() string { return "project" }

// Keyword returns `project-away` or `project-keep`.
func (o *ProjectAway) Keyword() string {
	if o.Keep {
		return "project-keep"
	}
	return "project-away"
}

// Keyword returns `project-rename`.
func (*ProjectRename) Keyword() string { return "project-rename" }

// Keyword returns `project-reorder`.
func (*ProjectReorder) Keyword() string { return "project-reorder" }

// Keyword returns `summarize`.
func (*Summarize) Keyword() string { return "summarize" }

// Keyword returns `join` or `lookup`.
func (o *Join) Keyword() string {
	if o.Lookup {
		return "lookup"
	}
	return "join"
}

// Keyword returns `union`.
func (*Union) Keyword() string { return "union" }

// Keyword returns `distinct`.
func (*Distinct) Keyword() string { return "distinct" }

// Keyword returns `sort`.
func (*Sort) Keyword() string { return "sort" }

// Keyword returns `top`.
func (*Top) Keyword() string { return "top" }

// Keyword returns `take` or `sample`.
func (o *Take) Keyword() string {
	if o.Sample {
		return "sample"
	}
	return "take"
}

// Keyword returns `sample-distinct`.
func (*SampleDistinct) Keyword() string { return "sample-distinct" }

// Keyword returns `count`.
func (*Count) Keyword() string { return "count" }

// Keyword returns `mv-expand`.
func (*MvExpand) Keyword() string { return "mv-expand" }

// Keyword returns `mv-apply`.
func (*MvApply) Keyword() string { return "mv-apply" }

// Keyword returns `partition`.
func (*Partition) Keyword() string { return "partition" }

// Keyword returns `range`.
func (*Range) Keyword() string { return "range" }

// Keyword returns `print`.
func (*Print) Keyword() string { return "print" }

// Keyword returns `as`.
func (*As) Keyword() string { return "as" }

// Keyword returns `serialize`.
func (*Serialize) Keyword() string { return "serialize" }

// Keyword returns `render`.
func (*Render) Keyword() string { return "render" }

// Keyword returns `parse` or `parse-where`.
func (o *ParseOp) Keyword() string {
	if o.Where {
		return "parse-where"
	}
	return "parse"
}

// Keyword returns `parse-kv`.
func (*ParseKV) Keyword() string { return "parse-kv" }

// Keyword returns `evaluate`.
func (*Evaluate) Keyword() string { return "evaluate" }

// Keyword returns `invoke`.
func (*Invoke) Keyword() string { return "invoke" }

// Keyword returns `getschema`.
func (*GetSchema) Keyword() string { return "getschema" }

// Keyword returns `make-series`.
func (*MakeSeries) Keyword() string { return "make-series" }

// Keyword returns `search`.
func (*Search) Keyword() string { return "search" }

// Keyword returns `top-hitters`.
func (*TopHitters) Keyword() string { return "top-hitters" }

// Keyword returns `top-nested`.
func (*TopNested) Keyword() string { return "top-nested" }

// Keyword returns `project-by-names`.
func (*ProjectByNames) Keyword() string { return "project-by-names" }

// Keyword returns `scan`.
func (*Scan) Keyword() string { return "scan" }

// Keyword returns `consume`.
func (*Consume) Keyword() string { return "consume" }

// Keyword returns `assert-schema`.
func (*AssertSchema) Keyword() string { return "assert-schema" }

// Keyword returns `find`.
func (*Find) Keyword() string { return "find" }

// Keyword returns the operator's own name.
func (o *Other) Keyword() string { return o.Name }
