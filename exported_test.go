package replaytrace_test

import (
	"go/ast"
	"go/token"
	"path"
	"strings"
	"testing"
)

// exportedFor are exported names that no other package has a use for, each with its reason.
var exportedFor = map[string]string{
	"internal/cli.Version": "a release sets it when it is linked",
}

// TestExported holds that what a package exports is documented, and that another package has a use for it.
func TestExported(t *testing.T) {
	all := sources(t)
	used := usedElsewhere(all)
	shown := map[string]bool{} // types that exported declarations of their own package speak of, and errors
	for _, src := range all {
		for _, decl := range src.file.Decls {
			for _, name := range spokenOf(decl) {
				shown[src.dir+"."+name] = true
			}
		}
	}
	for _, src := range all {
		if src.test || src.file.Name.Name == "main" || src.dir == "." {
			continue
		}
		for _, decl := range src.file.Decls {
			for _, e := range exportedBy(decl) {
				if !e.documented {
					t.Errorf("%s: %s has no comment: say what a caller must know", fset.Position(e.at), e.names[0])
				}
				needed := e.method || shown[src.dir+"."+e.of]
				for _, name := range e.names {
					full := src.dir + "." + name
					needed = needed || used[full] || exportedFor[full] != ""
				}
				if !needed {
					t.Errorf("%s: no other package uses %s: it need not be exported", fset.Position(e.at), strings.Join(e.names, ", "))
				}
			}
		}
	}
}

// export is something that a package exports: a group of constants is one.
type export struct {
	names      []string
	at         token.Pos
	documented bool
	method     bool   // whose use by an interface cannot be told from here
	of         string // the type itself, or that of the constants: the values of a type go with it
}

// exportedBy lists what a declaration exports. An error's text documents itself.
func exportedBy(decl ast.Decl) (out []export) {
	switch decl := decl.(type) {
	case *ast.FuncDecl:
		e := export{names: []string{decl.Name.Name}, at: decl.Pos(), documented: decl.Doc != nil || decl.Name.Name == "Error", method: decl.Recv != nil}
		if decl.Name.IsExported() && (!e.method || ast.IsExported(receiver(decl))) {
			out = append(out, e)
		}
	case *ast.GenDecl:
		group := export{at: decl.Pos(), documented: decl.Doc != nil}
		for _, spec := range decl.Specs {
			switch spec := spec.(type) {
			case *ast.TypeSpec:
				if spec.Name.IsExported() {
					out = append(out, export{names: []string{spec.Name.Name}, of: spec.Name.Name, at: spec.Pos(), documented: decl.Doc != nil || spec.Doc != nil})
				}
			case *ast.ValueSpec:
				if of, ok := spec.Type.(*ast.Ident); ok {
					group.of = of.Name
				}
				for _, name := range spec.Names {
					if name.IsExported() {
						group.names = append(group.names, name.Name)
						group.documented = group.documented || spec.Doc != nil || spec.Comment != nil
					}
				}
			}
		}
		if group.names != nil {
			out = append(out, group)
		}
	}
	return out
}

// receiver is the name of a method's type.
func receiver(decl *ast.FuncDecl) string {
	x := decl.Recv.List[0].Type
	if star, ok := x.(*ast.StarExpr); ok {
		x = star.X
	}
	if of, ok := x.(*ast.IndexExpr); ok {
		x = of.X
	}
	name, _ := x.(*ast.Ident)
	return name.Name
}

// spokenOf are the names in what a declaration shows to other packages: signatures, fields and types, no bodies. An error
// is shown by being one.
func spokenOf(decl ast.Decl) (names []string) {
	var own string
	var seen ast.Node
	switch decl := decl.(type) {
	case *ast.FuncDecl:
		seen = decl.Type
		if decl.Name.Name == "Error" && decl.Recv != nil {
			names = append(names, receiver(decl))
		}
	case *ast.GenDecl:
		seen = decl
		if len(decl.Specs) == 1 {
			if spec, ok := decl.Specs[0].(*ast.TypeSpec); ok {
				own = spec.Name.Name
			}
		}
	}
	if len(exportedBy(decl)) == 0 {
		return nil
	}
	ast.Inspect(seen, func(n ast.Node) bool {
		if id, ok := n.(*ast.Ident); ok && id.Name != own {
			names = append(names, id.Name)
		}
		return true
	})
	return names
}

// usedElsewhere are the names that a package uses of another one of ours, as dir.Name.
func usedElsewhere(all []source) map[string]bool {
	used := map[string]bool{}
	for _, src := range all {
		dirs := map[string]string{} // of our packages, by the name that the file has for them
		for _, spec := range src.file.Imports {
			full := strings.Trim(spec.Path.Value, `"`)
			dir, ours := strings.CutPrefix(full, module+"/")
			if !ours {
				continue
			}
			name := path.Base(dir)
			if spec.Name != nil {
				name = spec.Name.Name
			}
			dirs[name] = dir
		}
		ast.Inspect(src.file, func(n ast.Node) bool {
			if sel, ok := n.(*ast.SelectorExpr); ok {
				if pkg, ok := sel.X.(*ast.Ident); ok && dirs[pkg.Name] != src.dir {
					used[dirs[pkg.Name]+"."+sel.Sel.Name] = true
				}
			}
			return true
		})
	}
	return used
}
