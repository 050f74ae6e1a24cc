package plan

import (
	"github.com/replaytrace/replaytrace/internal/diag"
	"github.com/replaytrace/replaytrace/internal/kql/function"
	"github.com/replaytrace/replaytrace/internal/kql/schema"
	"github.com/replaytrace/replaytrace/internal/kql/syntax"
)

// Operators that compute columns of expressions: extend, project and print.

// named splits an item into its explicit names and its expression.
func named(x syntax.Expr) ([]*syntax.Name, syntax.Expr) {
	if n, ok := x.(*syntax.Named); ok {
		return n.Names, n.X
	}
	return nil, x
}

func (b *binder) oneName(x syntax.Expr) (string, syntax.Expr) {
	names, inner := named(x)
	if len(names) > 1 {
		b.fail(diag.Unsupported, x.Span(), "", "several names for one expression are not supported yet")
	}
	if len(names) == 1 {
		return names[0].Name, inner
	}
	return "", inner
}

// value is one column that an item of extend, project or print makes.
type value struct {
	name     string // the implicit name unless explicit
	explicit bool
	x        Expr
}

// values binds an item. A function that returns several values makes a column of each; names beyond those given are
// the function's own.
func (b *binder) values(f *frame, item syntax.Expr) []value {
	names, x := named(item)
	var v Expr
	if !b.attempt(func() { v = b.scalar(f, x) }) {
		if len(names) != 1 {
			panic(failed{})
		}
		return []value{{name: names[0].Name, explicit: true, x: null(schema.Unknown)}} // its readers are not to blame
	}
	fields := fieldsOf(x, v)
	if fields == nil && len(names) == 1 {
		return b.made.values.List([]value{{name: names[0].Name, explicit: true, x: v}})
	}
	var out []value
	if fields == nil {
		out = b.made.values.List([]value{{name: nameOf(f, x), x: v}})
	} else {
		for i, field := range fields {
			part := v
			if len(fields) > 1 {
				part = b.convert(&Path{X: v, Steps: []Step{{Index: &Const{T: schema.Long, V: int64(i)}}}}, field.Type)
			}
			out = append(out, value{name: field.Name, x: part})
		}
	}
	if len(names) > len(out) {
		b.fail(diag.Semantic, item.Span(), "", "here are %d names, the expression has fewer values: %d", len(names), len(out))
	}
	for i, n := range names {
		out[i].name, out[i].explicit = n.Name, true
	}
	return out
}

// fieldsOf lists the columns of a call that returns several values, nil for any other expression.
func fieldsOf(x syntax.Expr, v Expr) []function.Field {
	call, isCall := x.(*syntax.Call)
	a, ok := v.(*Apply)
	if !isCall || !ok || a.Func.Fields == nil || len(call.Args) != len(a.Args) {
		return nil
	}
	args := make([]function.Field, len(a.Args))
	for i := range args {
		args[i] = function.Field{Name: implicitName(call.Args[i]), Type: a.Args[i].Type()}
	}
	return a.Func.Fields(args)
}

// extend adds columns, as extend and serialize do. A name that extend implies takes the place of the column of that name,
// if need be of one that the same extend has made; serialize numbers it, as Microsoft's analyser has both. What is named
// twice is an error; a column after an expression that took its name is refused, as there the analyser keeps the expression.
func (b *binder) extend(sc *scope, n Node, items []syntax.Expr, replaces bool) Node {
	f := b.windowRow(sc, n)
	out := append([]*Column(nil), n.Columns()...)
	var nm *namer // of those in out, once a name is to be made
	declared, implied := map[string]bool{}, map[string]bool{}
	var computed []Item
	for _, item := range items {
		b.attempt(func() {
			made := b.values(f, item)
			_, plain := item.(*syntax.Name)
			for _, v := range made {
				switch {
				case v.explicit, plain && findColumn(out, v.name) != nil:
					if declared[v.name] {
						b.failDeclared(item.Span(), v.name)
					}
					if plain && implied[v.name] {
						b.fail(diag.Unsupported, item.Span(), v.name+"2 = "+v.name, "the column %s after an expression that takes its name: name one of them", v.name)
					}
					declared[v.name] = true
				case !replaces || len(made) > 1 || v.name == "":
					if nm == nil {
						nm = b.newNamer(out)
					}
					v.name = nm.implicit(v.name)
				default:
					implied[v.name] = true
				}
				c := b.column(v.name, v.x.Type())
				replaced := false
				for i, old := range out {
					if old.Name == v.name {
						out[i], replaced = c, true
					}
				}
				if !replaced {
					out = append(out, c)
					if nm != nil {
						nm.taken.add(v.name)
					}
				}
				computed = append(computed, Item{Col: c, X: v.x})
			}
		})
	}
	in := f.windows.node(b, n)
	return &Compute{base: base{cols: out, order: in.Ordering()}, In: in, Items: computed}
}

func (b *binder) project(sc *scope, n Node, op *syntax.Project) Node {
	f := b.windowRow(sc, n)
	p := &Compute{base: base{cols: make([]*Column, 0, len(op.Items))}}
	nm := b.newNamer(nil)
	for _, item := range op.Items {
		b.attempt(func() {
			for _, v := range b.values(f, item) {
				_, plain := item.(*syntax.Name)
				b.addColumn(p, nm, item, v, v.explicit || plain, nm.implicit)
			}
		})
	}
	p.In = f.windows.node(b, n)
	p.order = p.In.Ordering()
	return p
}

// addColumn adds a computed column under its own name, or under one that implicit makes of it.
func (b *binder) addColumn(p *Compute, nm *namer, item syntax.Expr, v value, own bool, implicit func(string) string) {
	if own {
		v.name = b.give(nm, item, v.name)
	} else {
		v.name = implicit(v.name)
	}
	nm.taken.add(v.name)
	p.add(b.columnOf(v.name, v.x), v.x)
}

// columnOf is the column that holds x under a name: the one that x reads, where that has the name.
func (b *binder) columnOf(name string, x Expr) *Column {
	if c, ok := x.(*Col); ok && c.C.Name == name && !c.C.Hidden {
		return c.C
	}
	return b.column(name, x.Type())
}

// add makes x a column of p. A column of the input passes through.
func (p *Compute) add(c *Column, x Expr) {
	p.cols = append(p.cols, c)
	if in, ok := x.(*Col); !ok || in.C != c {
		p.Items = append(p.Items, Item{Col: c, X: x})
	}
}

// failDeclared says that a query gives one name to two columns.
func (b *binder) failDeclared(at diag.Span, name string) {
	b.fail(diag.Semantic, at, "", "a column with the name %s is already declared", name)
}

// give names a column as the query asks for, which may name two columns alike only once.
func (b *binder) give(nm *namer, item syntax.Expr, name string) string {
	given, free := nm.give(name)
	if !free {
		b.failDeclared(item.Span(), name)
	}
	return given
}

func (b *binder) print(sc *scope, op *syntax.Print) Node {
	one := b.oneRow()
	f := &frame{scope: sc, windows: &windows{in: one}}
	p := &Compute{}
	nm := b.newNamer(nil)
	for i, item := range op.Items {
		b.attempt(func() {
			made := b.values(f, item)
			for k, v := range made {
				if k > 0 && made[0].explicit && !v.explicit {
					break // unlike project, print of a named item makes the columns that are named
				}
				b.addColumn(p, nm, item, v, v.explicit, func(name string) string {
					if len(made) > 1 {
						return nm.unique(name)
					}
					return nm.unique("print_" + itoa(i))
				})
			}
		})
	}
	p.In = f.windows.node(b, one)
	p.order = p.In.Ordering()
	return p
}
