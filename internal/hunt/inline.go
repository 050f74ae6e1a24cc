package hunt

import (
	"fmt"
	"io/fs"
	"strings"
)

// The markers between which a rule's query carries the text of the shared functions, and the word before their names.
const (
	inlineBegin = "// functions: "
	inlineEnd   = "// end of functions"
	inlineNeeds = "// needs: " // the first line of a part that stands on others
)

// Inline returns the text of a rule file in which the part between the lines `// functions: A B` and
// `// end of functions` is made anew from A.part and B.part of fsys. A rule without the first line is returned as it is;
// one without the second gets both. What a part needs comes before it, each part once.
func Inline(text string, fsys fs.FS) (string, error) {
	lines := strings.Split(text, "\n")
	var out []string
	for i := 0; i < len(lines); i++ {
		out = append(out, lines[i])
		names, ok := strings.CutPrefix(strings.TrimSpace(lines[i]), inlineBegin)
		if !ok {
			continue
		}
		indent := lines[i][:strings.Index(lines[i], "//")]
		parts := parts{fsys: fsys, told: map[string]bool{}}
		if err := parts.tell(names); err != nil {
			return "", err
		}
		for _, line := range parts.lines {
			out = append(out, strings.TrimRight(indent+line, " "))
		}
		out = append(out, indent+inlineEnd)
		for j := i + 1; j < len(lines); j++ {
			if strings.TrimSpace(lines[j]) == inlineEnd {
				i = j
				break
			}
		}
	}
	return strings.Join(out, "\n"), nil
}

// Own is the part of a rule's query that no other shares: what stands behind the text of the shared functions.
func Own(query string) string {
	if _, after, ok := strings.Cut(query, inlineEnd+"\n"); ok {
		return after
	}
	return query
}

// parts gathers shared functions.
type parts struct {
	fsys  fs.FS
	told  map[string]bool
	lines []string
}

// tell adds the parts of these names, and before each what it needs.
func (p *parts) tell(names string) error {
	for name := range strings.FieldsSeq(names) {
		if p.told[name] {
			continue
		}
		p.told[name] = true
		body, err := fs.ReadFile(p.fsys, "functions/"+name+".part")
		if err != nil {
			return fmt.Errorf("the rule names the function %s: %w", name, err)
		}
		lines := strings.Split(strings.TrimRight(string(body), "\n"), "\n")
		if needs, ok := strings.CutPrefix(lines[0], inlineNeeds); ok {
			if err := p.tell(needs); err != nil {
				return err
			}
			lines = lines[1:]
		}
		p.lines = append(p.lines, lines...)
	}
	return nil
}
