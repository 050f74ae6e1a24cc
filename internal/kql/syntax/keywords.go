package syntax

import "github.com/replaytrace/replaytrace/internal/diag"

// A keyword or a literal is a name only in brackets.
// https://learn.microsoft.com/kusto/query/schema-entities/entity-names#reference-identifiers-in-queries
// The page names no keywords. These are those of operators and conditions that Microsoft's analyser demands brackets of
// (KS228); it lets some of them be defined without, and then not referred to.

// undefinable tells the keywords that cannot be defined as a name without brackets, nor be referred to.
func undefinable(word string) bool {
	switch word {
	case "and", "or", "asc", "desc", "first", "last", "missing", "between", "matches", "contains_cs", "startswith", "startswith_cs",
		"endswith", "endswith_cs", "has_cs", "has_any", "has_all", "hasprefix", "hasprefix_cs", "hassuffix", "hassuffix_cs",
		"project", "union":
		return true
	}
	return false
}

// unreferable tells those that can be defined, but not be referred to.
func unreferable(word string) bool {
	switch word {
	case "as", "by", "contains", "find", "has", "in", "invoke", "of", "print", "sample", "search", "to", "where":
		return true
	}
	return false
}

// newName reads a name that is defined here.
func (p *parser) newName() *Name {
	if t := p.tok(); t.kind == tokName && (undefinable(t.text) || isBool(t.text)) {
		p.list.Add(unbracketed(t)) // what follows can be read all the same
	}
	return p.anyName()
}

// reference reads a name that stands for a value.
func (p *parser) reference() *Name {
	if t := p.tok(); t.kind == tokName && (undefinable(t.text) || unreferable(t.text)) {
		p.list.Add(unbracketed(t))
		panic(stop{})
	}
	return p.anyName()
}

// unbracketed says that a keyword or a literal stands where a name is wanted.
func unbracketed(t *token) diag.Diagnostic {
	what := "keyword"
	if isBool(t.text) {
		what = "literal"
	}
	return syntaxError(t.span, "['"+t.text+"']", "%s is a %s: as a name it must stand in brackets", t.text, what)
}
