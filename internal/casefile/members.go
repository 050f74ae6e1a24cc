package casefile

import (
	"fmt"
	"strings"

	"github.com/replaytrace/replaytrace/internal/kql/function"
	"github.com/replaytrace/replaytrace/internal/kql/schema"
)

// memberColumns are the columns in which a table stores members of its JSON columns. Queries read them by themselves;
// no query can name them, and they hold nothing that the JSON does not.
func memberColumns(t *schema.Table) []schema.Column {
	var out []schema.Column
	for _, m := range t.Members {
		for _, key := range m.Keys {
			out = append(out, schema.Column{Name: m.Name(key), Type: schema.String, Hidden: true})
		}
	}
	return out
}

// storedColumns are all columns of a table on disk.
func storedColumns(t *schema.Table) []schema.Column {
	return append(append([]schema.Column(nil), t.Columns...), memberColumns(t)...)
}

// withMembers is a SELECT of rows of t with the columns of memberColumns behind its own ones. Rows that were just read have
// these columns already: where they are null, the documents are asked.
func withMembers(t *schema.Table, rows string, read bool) string {
	if len(t.Members) == 0 {
		return rows
	}
	var lists, names, texts []string
	for i, m := range t.Members {
		name, list, known := fmt.Sprintf("members%d", i), memberTexts(t, m), ""
		if read { // all members of a document or none
			list = "CASE WHEN " + quoteName(m.Name(m.Keys[0])) + " IS NULL THEN " + list + " END"
		}
		names, lists = append(names, name), append(lists, list+" AS "+name)
		for k, key := range m.Keys {
			if read {
				known = quoteName(m.Name(key)) + ", "
				names = append(names, quoteName(m.Name(key)))
			}
			texts = append(texts, fmt.Sprintf("coalesce(%s%s[%d], '')", known, name, k+1))
		}
	}
	return "SELECT * EXCLUDE (" + strings.Join(names, ", ") + "), " + strings.Join(texts, ", ") + " FROM (SELECT *, " + strings.Join(lists, ", ") + " FROM (" + rows + "))"
}

func memberTexts(t *schema.Table, m schema.Members) string {
	c, _ := t.Column(m.Column)
	return function.Members(quoteName(m.Column), c.Type, m.Keys)
}

// fillMembers sets the columns of memberColumns in a table that was made before it had them.
func fillMembers(t *schema.Table) string {
	var sets []string
	for _, m := range t.Members {
		for k, key := range m.Keys {
			sets = append(sets, fmt.Sprintf("%s = coalesce((%s)[%d], '')", quoteName(m.Name(key)), memberTexts(t, m), k+1))
		}
	}
	return "UPDATE " + quoteName(t.Name) + " SET " + strings.Join(sets, ", ")
}
