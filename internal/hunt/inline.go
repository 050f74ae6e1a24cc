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
)

// Inline returns the text of a rule file in which the part between the lines `// functions: A B` and
// `// end of functions` is made anew from A.part and B.part of fsys. A rule without the first line is returned as it is;
// one without the second gets both.
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
		for name := range strings.FieldsSeq(names) {
			body, err := fs.ReadFile(fsys, "functions/"+name+".part")
			if err != nil {
				return "", fmt.Errorf("the rule names the function %s: %w", name, err)
			}
			for line := range strings.SplitSeq(strings.TrimRight(string(body), "\n"), "\n") {
				out = append(out, strings.TrimRight(indent+line, " "))
			}
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
