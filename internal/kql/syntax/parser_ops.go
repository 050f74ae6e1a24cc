package syntax

import (
	"maps"
	"slices"
	"strings"

	"github.com/replaytrace/replaytrace/internal/diag"
)

// leading reads an operator that may begin a query, or returns nil.
func (p *parser) leading() Operator {
	t := p.tok()
	if t.kind != tokName {
		return nil
	}
	next := p.peek(1)
	switch t.text {
	case "print":
		if next.kind == tokPunct && (next.text == "=" || next.text == "|") {
			return nil
		}
	case "range", "union", "search", "find":
		if next.kind == tokPunct && next.text != "(" && next.text != "[" && (next.text != "*" || t.text == "range") {
			return nil
		}
		if t.text == "range" && next.kind != tokName || next.kind == tokEOF {
			return nil
		}
	case "evaluate":
		if next.kind != tokName {
			return nil
		}
	case "macro":
		if next.text != "-" || p.peek(2).text != "expand" {
			return nil
		}
	default:
		return nil
	}
	return p.operator()
}

// operatorReaders are the operators by name: each reads what stands behind it, the name itself is told.
var operatorReaders map[string]func(*parser, string) Operator

func init() {
	operatorReaders = map[string]func(*parser, string) Operator{
		"as":                    (*parser).opAs,
		"assert-schema":         (*parser).opAssertSchema,
		"consume":               func(p *parser, _ string) Operator { p.options(); return &Consume{} },
		"count":                 (*parser).opCount,
		"distinct":              func(p *parser, _ string) Operator { p.options(); return &Distinct{Items: p.someItems()} },
		"evaluate":              (*parser).opEvaluate,
		"extend":                func(p *parser, _ string) Operator { return &Extend{Items: p.someItems()} },
		"find":                  (*parser).opFind,
		"getschema":             func(*parser, string) Operator { return &GetSchema{} },
		"graph-mark-components": (*parser).opGraphMark,
		"graph-match":           (*parser).opGraphMatch,
		"graph-shortest-paths":  (*parser).opGraphMatch,
		"graph-to-table":        (*parser).opGraphToTable,
		"invoke":                (*parser).opInvoke,
		"join":                  (*parser).opJoin,
		"lookup":                (*parser).opJoin,
		"make-graph":            (*parser).opMakeGraph,
		"make-series":           (*parser).opMakeSeries,
		"mv-apply":              (*parser).opMvApply,
		"mv-expand":             (*parser).opMvExpand,
		"parse":                 (*parser).opParse,
		"parse-kv":              (*parser).opParseKV,
		"parse-where":           (*parser).opParse,
		"partition":             (*parser).opPartition,
		"print":                 func(p *parser, _ string) Operator { return &Print{Items: p.someItems()} },
		"project":               func(p *parser, _ string) Operator { return &Project{Items: p.items()} },
		"project-away":          (*parser).opProjectAway,
		"project-by-names":      func(p *parser, _ string) Operator { return &ProjectByNames{Items: p.items()} },
		"project-keep":          (*parser).opProjectAway,
		"project-rename":        func(p *parser, _ string) Operator { return &ProjectRename{Items: p.items()} },
		"project-reorder":       (*parser).opReorder,
		"range":                 (*parser).opRange,
		"reduce":                (*parser).opReduce,
		"render":                (*parser).opRender,
		"sample":                (*parser).opTake,
		"sample-distinct":       (*parser).opSampleDistinct,
		"scan":                  (*parser).opScan,
		"search":                (*parser).opSearch,
		"serialize":             func(p *parser, _ string) Operator { p.options(); return &Serialize{Items: p.items()} },
		"sort":                  (*parser).opSort,
		"summarize":             (*parser).opSummarize,
		"take":                  (*parser).opTake,
		"top":                   (*parser).opTop,
		"top-hitters":           (*parser).opTopHitters,
		"top-nested":            (*parser).opTopNested,
		"union":                 (*parser).opUnion,
		"where":                 func(p *parser, _ string) Operator { return &Where{Pred: p.condition()} },
	}
}

// operatorAliases are the second names of operators.
var operatorAliases = map[string]string{"filter": "where", "order": "sort", "limit": "take", "mvexpand": "mv-expand", "mvapply": "mv-apply"}

// OperatorName is an operator of the language as the reference lists it.
type OperatorName struct {
	Name      string
	Aliases   []string
	Supported bool
	Reason    string // why it is not, where there is more to say
}

// Operators lists the operators of the language by name.
func Operators() []OperatorName {
	var out []OperatorName
	for _, name := range slices.Sorted(maps.Keys(operatorReaders)) {
		o := OperatorName{Name: name, Supported: true}
		for _, alias := range slices.Sorted(maps.Keys(operatorAliases)) {
			if operatorAliases[alias] == name {
				o.Aliases = append(o.Aliases, alias)
			}
		}
		out = append(out, o)
	}
	for _, name := range slices.Sorted(maps.Keys(otherOperators)) {
		out = append(out, OperatorName{Name: name, Reason: otherOperators[name]})
	}
	return out
}

// otherOperators exist in KQL and are refused by the binder, with the reason where there is more to say.
var otherOperators = map[string]string{
	"execute_and_cache": "", "partition-by": "", "__partitionby": "", "macro-expand": "it spans clusters and databases",
	"fork": "it returns several tables: run each of its branches as a query", "facet": "it returns several tables: run a `summarize count() by` for each column",
	"graph-where-nodes": "", "graph-where-edges": "",
}

// keyword reads an operator's name, whose words may be joined by dashes.
func (p *parser) keyword() token {
	t := *p.tok() // a copy, for the name may be longer
	if t.kind != tokName {
		p.unexpected("an operator")
	}
	p.take()
	for p.is("-") && p.tok().span.Start == t.span.End && p.peek(1).kind == tokName && p.peek(1).span.Start == p.tok().span.End {
		p.take()
		part := p.take()
		t.text += "-" + part.text
		t.span.End = part.span.End
	}
	return t
}

func (p *parser) operator() Operator {
	t := p.keyword()
	name := t.text
	if whole := operatorAliases[name]; whole != "" {
		name = whole
	}
	reason, other := otherOperators[name]
	read := operatorReaders[name]
	switch {
	case other:
		p.skipTo("|", ";", ")")
		return &Other{Head: Head{At: At{Pos: t.span}, Word: name}, Reason: reason}
	case read == nil:
		names := append(slices.Collect(maps.Keys(operatorReaders)), slices.Collect(maps.Keys(operatorAliases))...)
		slices.Sort(names)
		p.fail(t.span, diag.Suggest(t.text, names), "unknown operator `%s`", t.text)
	}
	o := read(p, t.text)
	o.stand(name, p.since(&t))
	return o
}

// items reads a list of named expressions; it may be empty.
func (p *parser) items() []Expr { return list(p, p.namedExpr) }

// someItems reads a list of one named expression or more.
func (p *parser) someItems() []Expr { return some(p, p.namedExpr) }

// list reads what stands between commas; nothing where the operator ends, or goes on with one of the words.
func list[T any](p *parser, read func() T, words ...string) []T {
	if p.endOfOp() || slices.ContainsFunc(words, p.word) {
		return nil
	}
	return some(p, read)
}

// some reads what stands between commas, at least one.
func some[T any](p *parser, read func() T) []T {
	var few [8]T
	all := append(few[:0], read())
	for p.accept(",") {
		all = append(all, read())
	}
	return append(make([]T, 0, len(all)), all...) // that has room for no more: most are kept
}

// inside reads what stands between commas up to what closes it.
func inside[T any](p *parser, end string, read func() T) []T {
	var out []T
	if !p.is(end) {
		out = some(p, read)
	}
	if !p.accept(end) {
		p.unexpected("`,` or `" + end + "`")
	}
	return out
}

// rows reads what stands between commas up to what closes it, with or without a comma behind the last: so it may be in
// the columns and the values of a table.
func rows[T any](p *parser, end string, read func() T) []T {
	var out []T
	for !p.accept(end) {
		out = append(out, read())
		if !p.accept(",") && !p.is(end) {
			p.unexpected("`,` or `" + end + "`")
		}
	}
	return out
}

func (p *parser) endOfOp() bool {
	return p.at(tokEOF) || p.is("|") || p.is(";") || p.is(")") || p.is("}")
}

// options reads name=value pairs such as kind=inner, hint.strategy=shuffle and isfuzzy=true; own are the names that
// only this operator has.
func (p *parser) options(own ...string) []Option {
	var out []Option
	for p.at(tokName) {
		start, name := p.tok(), p.optionName()
		if name == "" || !optionNames[name] && !slices.Contains(own, name) {
			break
		}
		for range strings.SplitSeq(name, ".") {
			p.take()
			p.accept(".")
		}
		p.expect("=")
		out = append(out, Option{Name: strings.ToLower(name), Value: p.optionValue(), At: p.since(start)})
	}
	return out
}

var optionNames = map[string]bool{
	"kind": true, "hint.strategy": true, "hint.shufflekey": true, "hint.num_partitions": true, "hint.remote": true,
	"hint.materialized": true, "hint.spread": true, "hint.concurrency": true, "hint.distribution": true, "hint.pass_filters": true,
	"hint.pass_filters_column": true, "hint.progressive_top": true,
	"withsource": true, "with_source": true, "isfuzzy": true, "with_itemindex": true, "bagexpansion": true, "flags": true,
	"kind_": true, "decodeblocks": true, "with_match_id": true,
}

// optionName looks ahead for `name =` or `a.b =` and returns the name, "" when there is none.
func (p *parser) optionName() string {
	name := p.tok().text
	k := 1
	for p.peek(k).kind == tokPunct && p.peek(k).text == "." && p.peek(k+1).kind == tokName {
		name += "." + p.peek(k+1).text
		k += 2
	}
	if p.peek(k).kind == tokPunct && p.peek(k).text == "=" {
		return name
	}
	return ""
}

func (p *parser) optionValue() Expr {
	if p.is("[") || p.at(tokName) && !isBool(p.tok().text) {
		return p.anyName() // the table of a join may follow in parentheses: this is no call
	}
	return p.primary()
}

func (p *parser) withOptions() []Option {
	p.expect("(")
	var out []Option
	for !p.accept(")") {
		start := p.tok()
		name := p.anyName().Name
		p.expect("=")
		o := Option{Name: strings.ToLower(name), Value: p.expr()}
		for p.accept(",") {
			if p.at(tokName) && p.peek(1).text == "=" || p.is(")") {
				break
			}
			p.expr() // ycolumns=a, b
		}
		o.At = p.since(start)
		out = append(out, o)
	}
	return out
}

// condition reads a predicate, which Kusto lets have a name.
func (p *parser) condition() Expr {
	x := p.namedExpr()
	if p.is("=") {
		p.fail(p.tok().span, "==", "`=` gives a name here, it does not compare")
	}
	return x
}
