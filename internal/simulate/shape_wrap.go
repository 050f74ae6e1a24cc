package simulate

import (
	"bytes"
	"fmt"
	"strings"

	"github.com/replaytrace/replaytrace/internal/kql/schema"
)

// This file has the forms in which the rows are those of another shape, in something that a tool puts around them.

// inside is a shape's record as it stands in a wrap: before and after it what the tool writes, and its text as a string
// where quoted says so.
func inside(record func([]byte, *row) []byte, before, after string, quote func(dst, text []byte) []byte) func([]byte, *row) []byte {
	return func(b []byte, r *row) []byte {
		text := bytes.TrimSpace(record(nil, r))
		b = append(b, before...)
		if quote == nil {
			b = append(b, text...)
		} else {
			b = quote(b, text)
		}
		return append(append(b, after...), '\n')
	}
}

// headText is a head that does not depend on the table.
func headText(head string) func([]byte, *layout) []byte {
	return func(b []byte, _ *layout) []byte { return append(b, head...) }
}

// ofEntra are files of the tables that diagnostic settings export.
func ofEntra(extension string) func(table) string {
	return func(t table) string {
		if categories[t] == "" {
			return ""
		}
		return tableNames[t] + extension
	}
}

// azRow is what az monitor log-analytics query prints: every value is text.
func azRow(b []byte, r *row) []byte {
	b = append(b, "\n{\"TableName\":\"PrimaryResult\""...)
	for i, c := range r.layout.columns {
		b = append(append(append(b, `,"`...), c.Name...), `":`...)
		if cell := r.cell(i); len(cell) == 0 && c.Type != schema.String {
			b = append(b, `"None"`...)
		} else {
			b = appendQuoted(b, cell)
		}
	}
	return append(b, '}')
}

// exportHead and exportRow are what Export-Csv writes of the rows: its line of types, and every cell in quotes.
func exportHead(b []byte, l *layout) []byte {
	b = append(b, "#TYPE System.Management.Automation.PSCustomObject\r\n"...)
	for i, c := range l.columns {
		b = append(append(append(b, comma(i)...), '"'), c.Name...)
		b = append(b, '"')
	}
	return append(b, "\r\n"...)
}

func exportRow(b []byte, r *row) []byte {
	for i := range r.layout.columns {
		b = appendDoubled(append(b, comma(i)...), r.cell(i))
	}
	return append(b, "\r\n"...)
}

// appendDoubled writes a cell of a CSV in quotes.
func appendDoubled(b, text []byte) []byte {
	b = append(b, '"')
	written := 0
	for i, c := range text {
		if c == '"' {
			b = append(append(b, text[written:i]...), '"')
			written = i
		}
	}
	return append(append(b, text[written:]...), '"')
}

func comma(i int) string {
	if i == 0 {
		return ""
	}
	return ","
}

// kustoHead begins an answer of Kusto: version 1 names its tables by numbers, version 2 sends frames.
func kustoHead(before, typeKey string) func([]byte, *layout) []byte {
	return func(b []byte, l *layout) []byte {
		b = append(b, before...)
		for i, c := range l.columns {
			b = fmt.Appendf(append(b, comma(i)...), `{"ColumnName":%q,%q:%q}`, c.Name, typeKey, c.Type)
		}
		return append(b, `],"Rows":[`...)
	}
}

// datasets are the names that Elastic's integration gives the tables.
var datasets = [tableCount]string{"signinlogs", "signinlogs", "signinlogs", "auditlogs", "identityprotection", "graphactivitylogs", ""}

// elasticDoc is a record as Elastic's integration stores it: in snake_case below the dataset, with fields of ECS beside it.
func elasticDoc(b []byte, r *row) []byte {
	set := ""
	for t := range tableCount {
		if tableNames[t] == r.layout.table.Name {
			set = datasets[t]
		}
	}
	b = append(append(append(b, `{"@timestamp":"`...), r.named("TimeGenerated")...), `","azure":{"tenant_id":"`...)
	b = append(append(append(b, r.named("AADTenantId")...), r.named("AadTenantId")...), `","correlation_id":"`...)
	b = append(append(append(b, r.named("CorrelationId")...), `","`...), set...)
	b = snakeKeys(append(b, `":`...), bytes.TrimSpace(diagnosticRecord(nil, r)))
	b = append(append(append(append(b, `},"source":{"ip":"`...), r.named("IPAddress")...), r.named("IpAddress")...), `"},"user_agent":{"original":`...)
	b = appendQuoted(b, r.named("UserAgent"))
	return append(b, "}}\n"...)
}

// snakeKeys appends JSON with its keys in snake_case.
func snakeKeys(dst, text []byte) []byte {
	for i := 0; i < len(text); i++ {
		if text[i] != '"' {
			dst = append(dst, text[i])
			continue
		}
		end := i + 1
		for ; text[end] != '"'; end++ {
			if text[end] == '\\' {
				end++
			}
		}
		isKey := end+1 < len(text) && text[end+1] == ':'
		for k := i; k <= end; k++ {
			c := text[k]
			if isKey && c >= 'A' && c <= 'Z' {
				if last := text[k-1]; last >= 'a' && last <= 'z' || last >= '0' && last <= '9' {
					dst = append(dst, '_')
				}
				c += 'a' - 'A'
			}
			dst = append(dst, c)
		}
		i = end
	}
	return dst
}

// auditNames are the names of AuditData's members where they are not the column's.
var auditNames = map[string]string{
	"TimeGenerated": "", "Start_Time": "CreationTime", "OfficeId": "Id", "OfficeWorkload": "Workload", "OfficeObjectId": "ObjectId",
	"Client_IPAddress": "ClientIPAddress", "Logon_Type": "LogonType", "SourceSystem": "", "Type": "", "TenantId": "",
}

// purviewFile is what Purview exports: the unified audit log.
func purviewFile(t table) string {
	if t != officeCalls {
		return ""
	}
	return "UnifiedAuditLog.csv"
}

// purviewRow is a record of the unified audit log with its AuditData. The time there has no zone.
func purviewRow(b []byte, r *row) []byte {
	data := []byte{'{'}
	for i, c := range r.layout.columns {
		name, special := auditNames[c.Name]
		if special && name == "" {
			continue
		}
		if !special {
			name = c.Name
		}
		cell := r.cell(i)
		if name == "CreationTime" {
			cell = bytes.TrimSuffix(cell, []byte("Z"))
		}
		data = append(append(append(data, comma(len(data)-1)...), '"'), name...)
		data = appendNested(append(data, `":`...), c, cell)
	}
	data = append(data, '}')
	for i, cell := range [][]byte{r.named("OfficeId"), r.named("TimeGenerated"), r.named("RecordType"), r.named("Operation"), r.named("UserId"), data, nil, nil} {
		b = appendCell(append(b, comma(i)...), cell)
	}
	return append(b, "\r\n"...)
}

// graphSDK is a Graph object as PowerShell's SDK and ConvertTo-Json write it: keys that begin with a capital, times as
// milliseconds, and what the SDK's version does not know apart.
func graphSDK(b []byte, r *row) []byte {
	text := bytes.TrimLeft(graphObject(nil, r), "\n")
	b = append(b, '\n')
	for i := 0; i < len(text); i++ {
		b = append(b, text[i])
		if text[i] == '"' && i > 0 && (text[i-1] == '{' || text[i-1] == ',') && isKey(text[i+1:]) {
			i++
			b = append(b, strings.ToUpper(string(text[i]))...)
		}
	}
	return append(b[:len(b)-1], `,"AdditionalProperties":{}}`...)
}

// isKey reports whether the string that text begins with, without its first quote, is a key.
func isKey(text []byte) bool {
	end := bytes.IndexByte(text, '"')
	return end > 0 && end+1 < len(text) && text[end+1] == ':' && bytes.IndexByte(text[:end], '\\') < 0
}
